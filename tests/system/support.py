# SPDX-License-Identifier: MIT
"""What the whole-program tests share: small data files, configs, starting the program, reading its State.

A test script is called as `script PROGRAM SOURCE_FOLDER [unittest arguments]` and ends with `support.main()`.
"""
import dataclasses
import errno
import gzip
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import h5py
import numpy as np

ENDLESS = 10_000_000  # iterations
ROOT_MAY_START_JOBS = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
SKIPPED = 77  # what ctest takes for "skipped"
SEED = int(os.environ.get("MEHA_TEST_SEED", random.SystemRandom().randrange(2**32)))

program = pathlib.Path()
source = pathlib.Path()


def main():
    global program, source
    if len(sys.argv) < 3:
        sys.exit(f"usage: {sys.argv[0]} PROGRAM SOURCE_FOLDER [unittest arguments]")
    program, source = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
    print(f"MEHA_TEST_SEED={SEED}", flush=True)
    result = unittest.main(module="__main__", argv=[sys.argv[0], *sys.argv[3:]], exit=False).result
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}", file=sys.stderr)
    sys.exit(0 if result.wasSuccessful() and has_run(result) else SKIPPED if result.wasSuccessful() else 1)


def has_run(result):
    """Whether a test has run; without any, as of an empty -k, nothing was skipped."""
    return not result.skipped or result.testsRun > len(result.skipped)


def option(name, default):
    """Takes `name N` from the command line. @return N"""
    if name not in sys.argv:
        return default
    at = sys.argv.index(name)
    value = int(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


# ---- data ----

@dataclasses.dataclass
class Rows:
    features: np.ndarray  # uint8, or float32 (rows × features)
    labels: np.ndarray    # as given, some of them wrong
    truth: np.ndarray

    def __len__(self):
        return len(self.labels)


def make_rows(n_rows, n_classes=4, n_features=35, wrong=0.0, seed=1, centres_seed=0):
    """Classes around random centres, with noise; a share `wrong` of the labels is changed to another class."""
    centres = np.random.default_rng(centres_seed).integers(60, 196, (n_classes, n_features))
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, n_classes, n_rows)
    truth[:n_classes] = range(n_classes)
    features = np.clip(centres[truth] + draw.normal(0, 40, (n_rows, n_features)), 0, 255).astype(np.uint8)
    is_wrong = draw.random(n_rows) < wrong
    labels = np.where(is_wrong, (truth + draw.integers(1, n_classes, n_rows)) % n_classes, truth)
    return Rows(features, labels, truth)


def idx_bytes(array):
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def write_idx(path, array):
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)


def write_rows_idx(folder, part, rows, suffix=".gz"):
    """@return the config's keys for these files; images are written with three dimensions, as usual"""
    features, labels = folder / f"{part}-features.idx{suffix}", folder / f"{part}-labels.idx{suffix}"
    write_idx(features, rows.features.reshape(len(rows), 1, -1))
    write_idx(labels, rows.labels)
    return {f"problem.data.{part}_features": str(features), f"problem.data.{part}_labels": str(labels)}


def write_rows_hdf5(path, rows, truth=False, class_names=None):
    with h5py.File(path, "w") as file:
        file["features"] = rows.features
        file["labels"] = rows.labels
        if truth:
            file["truth"] = rows.truth
        if class_names:
            file["class_names"] = class_names


def write_rows_libsvm(path, rows):
    """Of float features; what is 0 is left out."""
    with open(path, "w", encoding="ascii") as file:
        for features, label in zip(rows.features, rows.labels):
            entries = " ".join(f"{j + 1}:{features[j]:.9g}" for j in np.flatnonzero(features))
            file.write(f"{label} {entries}\n")


# ---- configs ----

def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(v)}" for key, v in value.items()) + "}"
    if isinstance(value, (pathlib.Path, np.generic)):
        value = str(value) if isinstance(value, pathlib.Path) else value.item()
    return json.dumps(value)


def toml_text(settings):
    return "".join(f"{name} = {toml(value)}\n" for name, value in settings.items())


# ---- the program ----

@dataclasses.dataclass
class Ended:
    code: int
    out: str
    err: str


def command(arguments, ranks=1):
    """One rank starts alone, without mpirun."""
    start = [] if ranks == 1 else [str(source / "launch" / "local"), str(ranks)]
    return [*start, str(program), *map(str, arguments)]


def environment():
    return {**os.environ, **ROOT_MAY_START_JOBS}


def run(*arguments, ranks=1, timeout_s=120, cwd=None):
    ended = subprocess.run(command(arguments, ranks), capture_output=True, text=True, errors="replace", timeout=timeout_s,
                           env=environment(), cwd=cwd, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def start(*arguments, ranks=1):
    return subprocess.Popen(command(arguments, ranks), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=environment(), restore_signals=False)


def finish(process, timeout_s=60):
    """Waits for a job of start(). Called again, it says what it said."""
    if hasattr(process, "ended"):
        return process.ended
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        kill_ranks(process)
        process.kill()
        process.communicate()
        raise
    process.ended = Ended(process.returncode, out, err)
    return process.ended


def descendants(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [p for child in map(int, children) for p in (child, *descendants(child))]


def send(pid, signal_number):
    try:
        os.kill(pid, signal_number)
    except ProcessLookupError:
        pass


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def ranks_below(process):
    return [pid for pid in descendants(process.pid) if name_of(pid) == program.name[:15]]


def kill_ranks(process):
    """SIGKILL to every rank of a job that start() began; to all of a job that has no ranks yet."""
    for pid in ranks_below(process) or [process.pid, *descendants(process.pid)]:
        send(pid, signal.SIGKILL)


def stop_at_once(process):
    """SIGKILL to a process and all that it has started."""
    if process.poll() is None:
        below = descendants(process.pid)
        for pid in (process.pid, *below):
            send(pid, signal.SIGKILL)
        process.wait()


def wait_for(condition, timeout_s=30, what="condition"):
    """timeout_s: on a quiet machine; a busy one has four times as long."""
    timeout_s *= 4
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout_s} s")
        time.sleep(0.002)


def open_pipe(path, job):
    """Opens a named pipe for writing as soon as somebody reads it; fails where the job ends without."""
    opened = []

    def is_read():
        try:
            opened.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError as error:
            if error.errno != errno.ENXIO:  # nobody reads it yet
                raise
        return opened or job.poll() is not None
    wait_for(is_read, what=f"a reader of {path}")
    if not opened:
        raise AssertionError(f"the job did not read {path}:\n{finish(job).err}")
    return opened[0]


def write_pipe(pipe, content):
    """Writes all of it and closes the pipe; fails where the reader closes it first, or does not read on."""
    left = memoryview(content)

    def is_written():
        nonlocal left
        try:
            left = left[os.write(pipe, left):]
        except BlockingIOError:
            pass
        return not left
    try:
        wait_for(is_written, what="reading from a pipe")
    finally:
        os.close(pipe)


# ---- run directories ----

def checkpoints(directory):
    """Oldest first."""
    return sorted(pathlib.Path(directory).glob("checkpoint-*.h5"))


def state_files(directory):
    return [*checkpoints(directory), *pathlib.Path(directory).glob("result.h5")]


def read_state(path):
    path = pathlib.Path(path)
    with h5py.File(path / "result.h5" if path.is_dir() else path, "r") as file:
        return {name: dataset[()] for name, dataset in file["state"].items()}


def read_attribute(path, name):
    with h5py.File(path, "r") as file:
        value = file.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def read_metrics(directory):
    return [json.loads(line) for line in (pathlib.Path(directory) / "metrics.jsonl").read_text().splitlines()]


TIMINGS = {"seconds", "compute_s", "allreduce_s", "update_s", "start_s", "evaluate_s", "checkpoint_s",
           "row_passes", "allreduces", "allreduce_bytes"}  # which depend on where x is stored, as times do


def without_timings(line):
    return {name: value for name, value in line.items() if name not in TIMINGS}


def different_fields(a, b):
    """Names of State's fields that do not hold the same bits."""
    if a.keys() != b.keys():
        return sorted(a.keys() ^ b.keys())
    return [name for name in a if a[name].dtype != b[name].dtype or a[name].tobytes() != b[name].tobytes()]


class ExampleCase(unittest.TestCase):
    """A test of a program outside the checkout, which is built against the installed package and then run as `program`."""
    example = name = None  # folder in tests; what its CMakeLists.txt builds

    @classmethod
    def setUpClass(cls):
        global program
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="meha-system-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.source = source / "tests" / cls.example
        cls.config = cls.source / "example.toml"
        cls.call("cmake", "--install", program.parent, "--prefix", cls.folder / "prefix")
        program = cls.build(cls.source, cls.folder / "build")
        cls.whole = cls.folder / "whole"
        cls.run_ok(cls.whole)

    @classmethod
    def build(cls, folder, build):
        """@return the program"""
        cls.call("cmake", "-G", "Ninja", "-S", folder, "-B", build, f"-DCMAKE_PREFIX_PATH={cls.folder / 'prefix'}")
        cls.call("cmake", "--build", build)
        return build / cls.name

    @classmethod
    def call(cls, *command_line):
        ended = subprocess.run([str(c) for c in command_line], capture_output=True, text=True, timeout=300, check=False)
        if ended.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, command_line))}\n{ended.stdout}\n{ended.stderr}")

    @classmethod
    def run_ok(cls, out, *more, ranks=1):
        ended = run("run", cls.config, "--out", out, *more, ranks=ranks)
        if ended.code != 0:
            raise AssertionError(f"{ended.out}\n{ended.err}")

    def assert_same_state(self, a, b):
        self.assertEqual(different_fields(read_state(a), read_state(b)), [])


OWNERS = {  # of keys of the base config that not all problems and algorithms have
    "problem.start": {"hyper_cleaning"}, "problem.refit": {"hyper_cleaning"},
    "problem.regularisation": {"hyper_cleaning", "hyper_representation"},
    "algorithm.gamma": {"meha"}, "algorithm.penalty.c": {"meha"}, "algorithm.penalty.p": {"meha"}, "algorithm.optimizer_theta": {"meha"},
}


class Case(unittest.TestCase):
    """A test with a temporary folder, small data in it, and a config that works."""
    n_train, n_validation, n_test = 200, 90, 60
    n_classes, n_features = 4, 35

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="meha-system-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        shape = {"n_classes": self.n_classes, "n_features": self.n_features}
        self.train = make_rows(self.n_train, **shape, wrong=0.3, seed=1)
        self.validation = make_rows(self.n_validation, **shape, seed=2)
        self.test = make_rows(self.n_test, **shape, seed=3)
        self.base = {
            "run.iterations": 20, "run.report_every": 10, "run.block_rows": 32, "run.precision": "float64",
            "problem.type": "hyper_cleaning", "problem.start": "zero", "problem.refit": False,
            "problem.data.shuffle": False,
            "algorithm.name": "meha", "algorithm.gamma": 10.0, "algorithm.penalty.c": 0.5, "algorithm.penalty.p": 0.25,
            "algorithm.alpha": 0.01, "algorithm.beta": 0.3, "algorithm.eta": 0.3,
            "algorithm.optimizer_x": "adam", "algorithm.optimizer_y": "sgd", "algorithm.optimizer_theta": "sgd",
            "checkpoint.every": 5,
            "comm.balance": "even",
        }
        for part in ("train", "validation", "test"):
            self.base |= write_rows_idx(self.folder, part, getattr(self, part))

    def use_sparse_rows(self, kept=0.15):
        """Most values become 0, and the files LIBSVM text."""
        draw = np.random.default_rng(4)
        self.base = {key: value for key, value in self.base.items() if not key.endswith("_labels")}
        self.base["problem.data.format"] = "libsvm"
        for part in ("train", "validation", "test"):
            rows = getattr(self, part)
            rows.features = np.where(draw.random(rows.features.shape) < kept, rows.features / np.float32(255), 0).astype(np.float32)
            write_rows_libsvm(self.folder / f"{part}.svm", rows)
            self.base[f"problem.data.{part}_features"] = str(self.folder / f"{part}.svm")

    def config(self, name="config", without=(), **settings):
        """Writes NAME.toml: the base with these changes; run__iterations stands for run.iterations."""
        changes = {key.replace("__", "."): value for key, value in settings.items()}
        chosen = {key: value for key, value in self.base.items() if key not in without} | changes
        entries = {chosen.get("problem.type"), chosen.get("algorithm.name", "meha")}
        chosen = {key: value for key, value in chosen.items() if key in changes or OWNERS.get(key, entries) & entries}
        path = self.folder / f"{name}.toml"
        path.write_text(toml_text(chosen))
        return path

    def ran(self, *arguments, **more):
        """Runs the program, which must end well. @return what it said"""
        ended = run(*arguments, **more)
        self.assertEqual(ended.code, 0, f"{ended.out}\n{ended.err}")
        return ended

    def run_ok(self, name, *more, ranks=1, **settings):
        """A whole run of the base config with these changes. @return its directory"""
        out = self.folder / name
        ended = run("run", self.config(name, **settings), "--out", out, *more, ranks=ranks)
        self.assertEqual(ended.code, 0, f"{name}:\n{ended.out}\n{ended.err}")
        return out

    def assert_same_state(self, a, b, message=""):
        self.assertEqual(different_fields(read_state(a), read_state(b)), [], f"fields with other bits: {message}")


def has_bfloat16():
    return " avx512_bf16 " in pathlib.Path("/proc/cpuinfo").read_text()


NEEDS_BFLOAT16 = unittest.skipUnless(has_bfloat16(), "this processor has no AVX-512 with BF16")


class RestartCase(Case):
    """A test of runs that end early and go on."""

    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.out = self.folder / "run"
        self.base |= {"run.precision": "float32", "run.iterations": 60, "algorithm.batch_lower": 96, "checkpoint.every": 10,
                      "algorithm.optimizer_theta": "momentum", "algorithm.eta": 0.05, "algorithm.optimizer_y": "momentum",
                      "algorithm.beta": 0.05, "problem.regularisation": 0.02}

    # ---- steps ----

    def begin(self, ranks=1, **settings):
        """Starts a run without an end, and waits for its first checkpoint."""
        config = self.config("endless", run__iterations=ENDLESS, **settings)
        job = start("run", config, "--out", self.out, ranks=ranks)
        self.addCleanup(self.end, job)
        wait_for(lambda: checkpoints(self.out) or job.poll() is not None, what="first checkpoint")
        self.assertIsNone(job.poll(), "the run ended early")
        return job

    def end(self, job):
        if job.poll() is None:
            kill_ranks(job)
        finish(job)

    def newest_iteration(self, out=None):
        return int(checkpoints(out or self.out)[-1].stem.split("-")[1])

    def resume(self, *more, ranks=1, code=0, out=None):
        ended = run("resume", out or self.out, *more, ranks=ranks)
        self.assertEqual(ended.code, code, f"{ended.out}\n{ended.err}")
        return ended

    def go_on_and_compare(self, ranks=1, **settings):
        """Resumes for a little longer, and compares with a run that nobody interrupted."""
        n = self.newest_iteration() + self.random.randrange(1, 40)
        self.resume("--set", f"run.iterations={n}", ranks=ranks)
        whole = self.run_ok("whole", ranks=3, run__iterations=n, **settings)
        self.assert_same_state(whole, self.out, f"{n} iterations")
        self.assert_each_iteration_once(n, every=settings.get("run__report_every", 10))

    def assert_each_iteration_once(self, last, every=10):
        found = [line["iteration"] for line in read_metrics(self.out)]
        self.assertEqual(found, sorted(set(found)))
        self.assertLessEqual(set(range(0, last + 1, every)), set(found))
        self.assertEqual(found[-1], last)
