#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How good the answer about wrong labels is, beside scikit-learn's and, where it is installed, cleanlab's.

    tests/bench/answer.py [--conditions quick|tuned|held-out|all|NAME,NAME…] [--seeds 3] [--model linear|mlp|both]
                          [--ranks 2] [--program build/meha] [--baselines trusted,again,cleanlab|none]
                          [--set KEY=VALUE]… [--keep DIR] [--csv FILE]

A condition is data-rows-noise-rate-trusted rows: fashion-5000-uniform-0.5-500. Trusted 0: there are no trusted rows.
Data: fashion (Fashion-MNIST), unbalanced (the same, classes thinned out up to 20:1, test rows too), digits
(scikit-learn's), table (make_classification), mixture (6 Gaussian clusters that overlap; two: 2 of 16 features, hundred:
100 of 50), words (ten languages; hashed: two, 2^20 columns).
Noise: uniform (any other class), pair (the next class), classwise (a random matrix of confusions), instance (a row
that a weak model finds hard gets the wrong class that this model finds likeliest).
Settings of the program were chosen on the conditions TUNED. The conditions HELD_OUT were only looked at: they are the
fair comparison. Seed s makes the same rows and labels for all programs.

The program runs with its defaults; --set changes them. Baselines, linear (logistic regression) and mlp (100 hidden
units), with scikit-learn's defaults but for the iterations:
  trusted   is trained on the trusted rows; rows are ranked by its probability of the given label, and flagged where
            another class is likelier.
  again     is trained once more, on the trusted rows and the rows that "trusted" does not flag.
  cleanlab  gets probabilities from 5-fold cross-validation on the doubtful rows. The truth chooses the better of its
            scores and the best of its filters, which flatters it. Its accuracy is that of a model trained on the
            trusted rows and the rows kept. It runs without trusted rows too.
--model chooses the models of the program and of the baselines. Each figure is the median of the seeds that ended well.
Wall time of the program is that of --ranks ranks, launch included; baselines have one thread: compare processor times.
"""
import argparse
import csv
import dataclasses
import functools
import gzip
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

for threads in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"
# pylint: disable=wrong-import-position
import h5py  # noqa: E402: after the thread counts are set
import numpy as np  # noqa: E402
import scipy.sparse  # noqa: E402
from sklearn.datasets import load_digits, make_classification  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402
from sklearn.model_selection import cross_val_predict  # noqa: E402
from sklearn.neural_network import MLPClassifier  # noqa: E402

try:
    import cleanlab.count
    import cleanlab.filter
    import cleanlab.rank
except ImportError:
    cleanlab = None

TUNED = """
    fashion-5000-uniform-0.5-5000 fashion-5000-uniform-0.5-500 fashion-5000-uniform-0.5-50 fashion-5000-uniform-0.5-0
    fashion-50000-uniform-0.2-5000 fashion-50000-pair-0.3-5000 fashion-5000-pair-0.45-500 fashion-5000-pair-0.3-0
    fashion-5000-instance-0.3-500 fashion-5000-instance-0.3-5000 fashion-20000-instance-0.2-500
    digits-1000-uniform-0.3-100 two-5000-uniform-0.2-50
    table-20000-uniform-0.15-400 mixture-20000-pair-0.3-50 mixture-20000-uniform-0.3-500""".split()
HELD_OUT = """
    fashion-5000-classwise-0.3-100 fashion-20000-uniform-0.1-100 fashion-20000-uniform-0.6-500
    unbalanced-15000-uniform-0.3-500 unbalanced-15000-pair-0.2-100 digits-1000-pair-0.2-50
    table-20000-classwise-0.3-400 mixture-20000-classwise-0.4-100 words-20000-uniform-0.3-500
    two-5000-classwise-0.3-0 hundred-20000-uniform-0.3-500 hundred-20000-pair-0.3-0
    hashed-5000-uniform-0.3-50 hashed-5000-uniform-0.2-0""".split()
QUICK = ["digits-1000-uniform-0.3-100", "digits-1000-pair-0.2-50", "mixture-20000-pair-0.3-50"]
LISTS = {"quick": QUICK, "tuned": TUNED, "held-out": HELD_OUT, "all": TUNED + HELD_OUT}

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
DICTIONARIES = pathlib.Path("/usr/share/dict")
LANGUAGES = ["danish", "dutch", "american-english", "french", "ngerman", "italian", "portuguese", "spanish", "swedish",
             "catalan"]
BASELINES = ["trusted", "again", "cleanlab"]
FILTERS = ["prune_by_noise_rate", "prune_by_class", "both", "confident_learning", "predicted_neq_given"]
N_TEST = 5000  # rows of data that have no test rows of their own
# Names of a row's figures, and their heads in the table.
SHOWN = {"auroc": "AUROC", "f1": "F1", "noise_rate": "noise rate", "true_rate": "true rate",
         "calibration_error": "calibration error", "accuracy": "test accuracy", "wall_s": "wall s",
         "processor_s": "processor s"}
COMPARED = ["auroc", "f1", "accuracy"]
FIELDS = ["condition", "list", "program", "seed", *SHOWN, "trusted_auroc", "seconds", "note"]


# ---- data ----

@dataclasses.dataclass
class Data:
    """Doubtful rows with given and true labels; trusted rows and test rows, whose labels are true."""
    n_classes: int
    features: object  # uint8 stands for v/255; a dense or a sparse matrix
    given: np.ndarray
    truth: np.ndarray
    trusted: object
    trusted_labels: np.ndarray
    test: object
    test_labels: np.ndarray


def scaled(features):
    return features.astype(np.float32) / 255 if features.dtype == np.uint8 else features


@functools.lru_cache
def fashion_file(name):
    with gzip.open(FASHION / f"{name}-ubyte.gz") as file:
        content = file.read()
    shape = [int.from_bytes(content[4 + 4 * i:8 + 4 * i], "big") for i in range(content[3])]
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape[0], -1)


def fashion(_n_rows, _draw, _program):
    """@return features and labels, and those of the test rows, or None where they are to be split off"""
    features, labels = fashion_file("train-images-idx3"), fashion_file("train-labels-idx1")[:, 0].astype(int)
    return features, labels, fashion_file("t10k-images-idx3"), fashion_file("t10k-labels-idx1")[:, 0].astype(int)


def unbalanced(n_rows, draw, program):
    features, labels, test, test_labels = fashion(n_rows, draw, program)
    share = 20.0 ** (-np.arange(10) / 9)
    kept, test_kept = (draw.random(len(k)) < share[k] for k in (labels, test_labels))
    return features[kept], labels[kept], test[test_kept], test_labels[test_kept]


def digits(_n_rows, draw, _program):
    features, labels = load_digits(return_X_y=True)
    order = draw.permutation(len(labels))
    features, labels = (features[order] / 16).astype(np.float32), labels[order]
    return features[:-400], labels[:-400], features[-400:], labels[-400:]


def table(n_rows, draw, _program):
    features, labels = make_classification(n_rows + N_TEST, 50, n_informative=20, n_redundant=10, n_classes=8,
                                           class_sep=1.5, n_clusters_per_class=2, random_state=int(draw.integers(1e6)))
    return ((features - features.mean(0)) / features.std(0)).astype(np.float32), labels, None, None


def mixture(n_rows, draw, _program, n_classes=6, n_features=20):
    centres = 0.6 * draw.normal(size=(n_classes, n_features))
    labels = draw.integers(n_classes, size=n_rows + N_TEST)
    return (centres[labels] + draw.normal(size=(len(labels), n_features))).astype(np.float32), labels, None, None


def two(n_rows, draw, program):
    return mixture(n_rows, draw, program, 2, 16)


def hundred(n_rows, draw, program):
    return mixture(n_rows, draw, program, 100, 50)


def words(n_rows, draw, program, languages=None, n_columns=16384):
    """As many words of each language; `meha data words` makes rows of them."""
    languages = languages or LANGUAGES
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for language in languages:
            lines = sorted(set((DICTIONARIES / language).read_bytes().split(b"\n")) - {b""})
            chosen = draw.choice(len(lines), -(-(n_rows + N_TEST) // len(languages)), replace=False)
            (folder / language).write_bytes(b"".join(lines[i] + b"\n" for i in chosen))
        subprocess.run([program, "data", "words", *(folder / language for language in languages), "--columns",
                        str(n_columns), "--out", folder / "words.h5"], check=True, stdout=subprocess.DEVNULL)
        with h5py.File(folder / "words.h5") as file:
            value, feature, first = (file["features"][name][()] for name in ("value", "feature", "first_entry"))
            features = scipy.sparse.csr_matrix((value, feature, first), (len(first) - 1, n_columns))
            return features, file["labels"][()].astype(int), None, None


def hashed(n_rows, draw, program):
    return words(n_rows, draw, program, ["danish", "dutch"], 1 << 20)


DATA = {function.__name__: function
        for function in (fashion, unbalanced, digits, table, mixture, two, hundred, words, hashed)}


def with_noise(features, truth, n_classes, kind, rate, draw):
    """@return labels, a share of about `rate` of them wrong"""
    given = truth.copy()
    wrong = draw.random(len(truth)) < rate
    if kind == "uniform":
        given[wrong] += 1 + draw.integers(n_classes - 1, size=wrong.sum())
    elif kind == "pair":
        given[wrong] += 1
    elif kind == "classwise":
        for k, shares in enumerate(draw.dirichlet(np.full(n_classes - 1, 0.3), size=n_classes)):
            here = wrong & (truth == k)
            given[here] += 1 + draw.choice(n_classes - 1, here.sum(), p=shares)
    else:
        seen = draw.choice(len(truth), min(len(truth), max(20 * n_classes, 200)), replace=False)
        features = scaled(features)
        others = probabilities(LogisticRegression(max_iter=200).fit(features[seen], truth[seen]), features, n_classes)
        others[np.arange(len(truth)), truth] = 0
        hardness = others.sum(axis=1) + 1e-9
        low, high = 0.0, 1e6  # of the factor that makes the mean chance of a wrong label the rate
        for _ in range(60):
            factor = (low + high) / 2
            low, high = (factor, high) if np.minimum(factor * hardness, 1).mean() < rate else (low, factor)
        wrong = draw.random(len(truth)) < np.minimum(low * hardness, 1)
        given[wrong] = others.argmax(axis=1)[wrong]
    return given % n_classes


KINDS = ["uniform", "pair", "classwise", "instance"]


def make(condition, seed, program):
    name, n_rows, kind, rate, n_trusted = parse(condition)
    draw = np.random.default_rng(seed)
    features, labels, test, test_labels = DATA[name](n_rows + n_trusted, draw, program)
    if test is None:
        if name in ("words", "hashed"):  # The other generators draw rows in random order; make_classification shuffles, too.
            order = draw.permutation(len(labels))
            features, labels = features[order], labels[order]
        n = n_rows + n_trusted
        features, labels, test, test_labels = features[:n], labels[:n], features[n:n + N_TEST], labels[n:n + N_TEST]
    if len(labels) < n_rows + n_trusted:
        raise ValueError(f"{name} has {len(labels)} rows only")
    order = draw.permutation(len(labels))
    doubtful, trusted = order[:n_rows], order[n_rows:n_rows + n_trusted]
    n_classes = int(labels.max()) + 1
    given = with_noise(features[doubtful], labels[doubtful], n_classes, kind, rate, draw)
    return Data(n_classes, features[doubtful], given, labels[doubtful], features[trusted], labels[trusted],
                test, test_labels)


def parse(condition):
    """@return data, rows, noise kind, rate, trusted rows; raises ValueError"""
    name, n_rows, kind, rate, n_trusted = condition.split("-")
    if name not in DATA or kind not in KINDS:
        raise ValueError(condition)
    return name, int(n_rows), kind, float(rate), int(n_trusted)


# ---- the program ----

def write_rows(path, features, labels, n_classes, truth=None):
    with h5py.File(path, "w") as file:
        if scipy.sparse.issparse(features):
            group = file.create_group("features")
            group.attrs["n_features"] = features.shape[1]
            group["first_entry"], group["feature"] = features.indptr.astype(np.int64), features.indices.astype(np.int32)
            group["value"] = features.data.astype(np.float32)
        else:
            file["features"] = features
        file["labels"] = labels.astype(np.int32)
        file["class_names"] = [f"class {k}" for k in range(n_classes)]
        if truth is not None:
            file["truth"] = truth.astype(np.int32)


def write_files(folder, data):
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "train.h5", data.features, data.given, data.n_classes, data.truth)
    write_rows(folder / "test.h5", data.test, data.test_labels, data.n_classes)
    lines = ["[problem]", 'type = "hyper_cleaning"', "[problem.data]", 'format = "hdf5"', 'train_features = "train.h5"',
             'test_features = "test.h5"']
    if len(data.trusted_labels) > 0:
        write_rows(folder / "trusted.h5", data.trusted, data.trusted_labels, data.n_classes)
        lines.append('validation_features = "trusted.h5"')
    (folder / "config.toml").write_text("\n".join(lines) + "\n")


def answer_of_program(arguments, model, folder):
    out = folder / f"run-{model}"
    shutil.rmtree(out, ignore_errors=True)  # an earlier run that --keep has kept
    settings = [f"problem.model={model}", *(["problem.hidden=[100]"] if model == "mlp" else []), *arguments.set]
    command = [SOURCE / "launch/local", str(arguments.ranks)] if arguments.ranks > 1 else []
    command += [arguments.program, "run", folder / "config.toml", "--out", out]
    command += [part for setting in settings for part in ("--set", setting)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    wall_s, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if ended.returncode != 0:
        lines = [line for line in ended.stderr.splitlines() if line.strip()] or [""]
        said = next((line for line in lines if line.startswith("meha: ")), lines[-1])
        raise RuntimeError(f"exit {ended.returncode}, {said}")
    last = json.loads((out / "metrics.jsonl").read_text().splitlines()[-1])
    names = {"auroc": "detection_auroc", "f1": "detection_f1", "noise_rate": "noise_rate", "accuracy": "model_accuracy",
             "calibration_error": "calibration_error", "trusted_auroc": "trusted_detection_auroc", "seconds": "seconds"}
    row = {name: last[metric] for name, metric in names.items() if last.get(metric) is not None}
    processor_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    missing = [metric for metric in (names[name] for name in COMPARED) if last.get(metric) is None]
    return row | {"wall_s": wall_s, "processor_s": processor_s, "note": f"no {', '.join(missing)}" if missing else ""}


# ---- baselines ----

def probabilities(classifier, features, n_classes):
    """A class that the classifier has not seen has probability 0."""
    found = np.zeros((features.shape[0], n_classes))
    found[:, classifier.classes_] = classifier.predict_proba(features)
    return found


def f1_score(flagged, wrong):
    return 2 * (flagged & wrong).sum() / max(1, flagged.sum() + wrong.sum())


def calibration_error(right_probability, right):
    interval = np.minimum((10 * right_probability).astype(int), 9)
    return np.abs(np.bincount(interval, right_probability - right)).sum() / len(right)


class Baselines:
    """The baselines of one model on one data set."""

    def __init__(self, data, model, seed):
        if scipy.sparse.issparse(data.features):  # A column that no row here has would get the weights 0.
            used = np.unique(np.concatenate([data.features.indices, data.trusted.indices]))
            data = dataclasses.replace(data, features=data.features[:, used], trusted=data.trusted[:, used],
                                       test=data.test[:, used])
        self.data, self.model, self.seed = data, model, seed
        self.wrong = data.given != data.truth

    def classifier(self, n_rows):
        if self.model == "linear":
            return LogisticRegression(max_iter=200)
        return MLPClassifier((100,), max_iter=100, early_stopping=n_rows > 2000, random_state=self.seed)

    def fitted(self, kept):
        """A classifier of the trusted rows and the doubtful rows kept."""
        data = self.data
        stack = scipy.sparse.vstack if scipy.sparse.issparse(data.features) else np.vstack
        features = scaled(stack([data.trusted, data.features[kept]]))
        labels = np.concatenate([data.trusted_labels, data.given[kept]])
        return self.classifier(len(labels)).fit(features, labels)

    def accuracy(self, classifier):
        return np.mean(classifier.predict(scaled(self.data.test)) == self.data.test_labels)

    def judged(self, classifier):
        """@return figures of the classifier's opinion of the doubtful rows, and which it flags"""
        given = self.data.given
        found = probabilities(classifier, scaled(self.data.features), self.data.n_classes)
        right_probability, flagged = found[np.arange(len(given)), given], found.argmax(axis=1) != given
        return {"auroc": roc_auc_score(self.wrong, -right_probability), "f1": f1_score(flagged, self.wrong),
                "noise_rate": 1 - right_probability.mean(), "accuracy": self.accuracy(classifier),
                "calibration_error": calibration_error(right_probability, ~self.wrong)}, flagged

    @functools.cached_property
    def timed_trusted(self):
        start = clock()
        row, flagged = self.judged(self.fitted(np.zeros(len(self.wrong), bool)))
        return row, flagged, clock() - start

    def trusted(self):
        row, _, spent = self.timed_trusted
        return row | times(spent)

    def again(self):
        """Its time includes that of "trusted", which it builds on."""
        _, flagged, spent = self.timed_trusted
        start = clock()
        row, _ = self.judged(self.fitted(~flagged))
        return row | times(spent + clock() - start)

    def cleanlab(self):
        start = clock()
        classes, labels = np.unique(self.data.given, return_inverse=True)  # cleanlab wants every class to occur
        found = cross_val_predict(self.classifier(len(labels) * 4 // 5), scaled(self.data.features), labels, cv=5,
                                  method="predict_proba")
        found = found.astype(float) / found.sum(axis=1, keepdims=True)
        scores = [cleanlab.rank.get_self_confidence_for_each_label(labels, found),
                  cleanlab.rank.get_normalized_margin_for_each_label(labels, found)]
        flags, failed = {}, []
        for kind in FILTERS:
            try:
                flags[kind] = cleanlab.filter.find_label_issues(labels, found, filter_by=kind, n_jobs=1)
            except Exception as error:  # pylint: disable=broad-except  # Some filters refuse some data.
                failed.append(f"{kind}: {error}")
        if not flags:
            raise RuntimeError(failed[0])
        best = max(flags, key=lambda kind: f1_score(flags[kind], self.wrong))
        joint = cleanlab.count.estimate_joint(labels, found)
        row = {"auroc": max(roc_auc_score(self.wrong, -score) for score in scores),
               "f1": f1_score(flags[best], self.wrong), "noise_rate": 1 - np.trace(joint),
               "accuracy": self.accuracy(self.fitted(~flags[best]))}
        lost = f", {len(classes)} of {self.data.n_classes} classes" if len(classes) < self.data.n_classes else ""
        return row | times(clock() - start) | {"note": best + lost}


def clock():
    return np.array([time.perf_counter(), time.process_time()])


def times(spent):
    return {"wall_s": spent[0], "processor_s": spent[1]}


# ---- the table ----

def attempt(function):
    """What goes wrong in a program is a row, too."""
    try:
        return function()
    except Exception as error:  # pylint: disable=broad-except
        said = str(error) if isinstance(error, RuntimeError) else f"{type(error).__name__}: {error}"
        return {"failed": True, "note": " ".join(said.replace("|", "/").split())}


def text(row, name):
    value = row.get(name, float("nan"))
    return "–" if np.isnan(value) else f"{value:.1f}" if name.endswith("_s") else f"{value:.4f}"


def print_row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def medians(rows):
    """@return the median of each figure over the rows that have it"""
    good = [row for row in rows if not row.get("failed")]
    values = {name: [row[name] for row in rows if name in row] for name in SHOWN}
    found = {name: float(statistics.median(some)) for name, some in values.items() if some}
    notes = list(dict.fromkeys(row["note"] for row in rows if row.get("note")))
    if len(good) < len(rows):
        notes.insert(0, f"{len(rows) - len(good)} of {len(rows)} failed")
    return found | {"note": "; ".join(notes)[:200]}


def list_of(condition):
    return "tuned" if condition in TUNED else "held-out" if condition in HELD_OUT else "other"


def run_condition(condition, arguments, folder, write):
    """Prints a line for each program. @return their medians"""
    data = []
    for seed in range(arguments.seeds):
        try:
            data.append(make(condition, seed, arguments.program))
            write_files(folder / f"{condition}-{seed}", data[-1])
        except Exception as error:  # pylint: disable=broad-except  # such as a data set that is not installed
            print_row(condition, "no data", *["–"] * len(SHOWN), f"{type(error).__name__}: {error}")
            return {}
    programs = {}
    for model in arguments.models:
        programs[f"meha {model}"] = [
            functools.partial(answer_of_program, arguments, model, folder / f"{condition}-{seed}")
            for seed in range(arguments.seeds)]
    peers = {model: [Baselines(one, model, seed) for seed, one in enumerate(data)] for model in arguments.models}
    for baseline in arguments.baselines:
        if len(data[0].trusted_labels) > 0 or baseline == "cleanlab":
            for model in arguments.models:
                programs[f"{baseline} {model}"] = [getattr(peer, baseline) for peer in peers[model]]
    found = {}
    for program, functions in programs.items():
        rows = []
        for seed, function in enumerate(functions):
            rows.append({"true_rate": float(np.mean(data[seed].given != data[seed].truth))} | attempt(function))
            write({"condition": condition, "list": list_of(condition), "program": program, "seed": seed} | rows[-1])
        found[program] = medians(rows)
        print_row(condition, program, *(text(found[program], name) for name in SHOWN), found[program]["note"])
    return found


def print_comparison(found):
    """By how much the program's best model is ahead of the best baseline, figure by figure."""
    print("\nmeha, the best of its models, ahead (+) of the best baseline or behind it (-):\n")
    print_row("condition", "list", *(SHOWN[name] for name in COMPARED))
    print("|" + "---|" * (2 + len(COMPARED)))
    differences = {}  # of each list and figure
    for condition, programs in found.items():
        cells = []
        for name in COMPARED:
            values = {program: row[name] for program, row in programs.items() if name in row}
            ours = [value for program, value in values.items() if program.startswith("meha ")]
            theirs = {program: value for program, value in values.items() if not program.startswith("meha ")}
            if not ours or not theirs:
                cells.append("–")
                continue
            best = max(theirs, key=theirs.get)
            difference = max(ours) - theirs[best]
            differences.setdefault(list_of(condition), {}).setdefault(name, []).append(difference)
            cells.append(f"{difference:+.4f} ({best})")
        print_row(condition, list_of(condition), *cells)
    for which, by_name in differences.items():
        cells = [f"{sum(d > 0 for d in by_name[name])} of {len(by_name[name])}; {statistics.median(by_name[name]):+.4f}"
                 if name in by_name else "–" for name in COMPARED]
        print_row("ahead in; median", which, *cells)


def arguments_of(parser):
    parser.add_argument("--conditions", default="quick", help="names or " + ", ".join(LISTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--model", choices=["linear", "mlp", "both"], default="both")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--program", type=lambda path: pathlib.Path(path).resolve(), default=SOURCE / "build/meha")
    parser.add_argument("--baselines", default=",".join(BASELINES), help="some of them, or none")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="handed on to the program")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="where files and runs shall stay")
    parser.add_argument("--csv", type=pathlib.Path, metavar="FILE", help="gets a line for each program and seed")
    arguments = parser.parse_args()
    arguments.models = ["linear", "mlp"] if arguments.model == "both" else [arguments.model]
    names = [name for part in arguments.conditions.split(",") for name in LISTS.get(part, [part])]
    arguments.conditions = list(dict.fromkeys(names))
    for condition in arguments.conditions:
        try:
            parse(condition)
        except ValueError:
            parser.error(f"--conditions: {condition} is neither a list nor data-rows-noise-rate-trusted rows")
    arguments.baselines = [] if arguments.baselines == "none" else arguments.baselines.split(",")
    for baseline in arguments.baselines:
        if baseline not in BASELINES:
            parser.error(f"--baselines: {baseline} is none of {', '.join(BASELINES)}, none")
    if arguments.seeds < 1 or arguments.ranks < 1:
        parser.error("--seeds and --ranks must be > 0")
    if not os.access(arguments.program, os.X_OK):
        parser.error(f"--program: {arguments.program} cannot be run")
    return arguments


def main():
    arguments = arguments_of(argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0]))
    warnings.simplefilter("ignore")  # Baselines that stop before they converge say so each time.
    if "cleanlab" in arguments.baselines and cleanlab is None:
        print("cleanlab is not installed: without it", file=sys.stderr)
        arguments.baselines.remove("cleanlab")
    write = lambda row: None
    if arguments.csv:
        # pylint: disable-next=consider-using-with
        file = open(arguments.csv, "w", newline="", encoding="utf-8", buffering=1)
        writer = csv.DictWriter(file, FIELDS, extrasaction="ignore")
        writer.writeheader()
        write = writer.writerow
    print_row("condition", "program", *SHOWN.values(), "note")
    print("|" + "---|" * (3 + len(SHOWN)))
    found = {}
    for condition in arguments.conditions:
        with tempfile.TemporaryDirectory() as folder:  # A condition's files go before the next one's come.
            found[condition] = run_condition(condition, arguments, arguments.keep or pathlib.Path(folder), write)
    if arguments.baselines:
        print_comparison(found)


if __name__ == "__main__":
    main()
