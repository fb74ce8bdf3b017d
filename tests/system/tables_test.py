# SPDX-License-Identifier: MIT
"""Tables as people have them: the same bits as from a clean file, or one clear error; meha clean and meha pick."""
import bz2
import csv
import gzip
import io
import json
import lzma
import os
import pickle
import re
import subprocess
import sys

import h5py
import numpy as np

import support

NAMES = ["rouge vif", "größe", "ピンク"]


def text_of(rows, header=None, separator=","):
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    if header:
        writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


class TableCase(support.Case):
    """Runs of three iterations on tables of 4 features and 3 classes; every fifth training label is wrong."""
    n_train, n_trusted = 150, 60

    def setUp(self):
        super().setUp()
        random = np.random.default_rng(1)
        labels = np.arange(self.n_train + self.n_trusted) % 3
        features = random.normal(size=(len(labels), 4)) + 3 * np.eye(3, 4)[labels]
        given = labels.copy()
        given[:self.n_train:5] = (given[:self.n_train:5] + 1) % 3
        self.rows = [[f"{v:.4f}" for v in x] + [str(k)] for x, k in zip(features, given)]
        self.header = ["a", "b", "c", "d", "y"]
        self.wrong = set(range(0, self.n_train, 5))
        self.n_runs = 0

    def write(self, name, rows, header=None, separator=","):
        path = self.folder / name
        path.write_text(text_of(rows, header, separator), encoding="utf-8")
        return path

    def run_on(self, train, trusted, ranks=1, code=0, **settings):
        self.n_runs += 1
        out = self.folder / f"run-{self.n_runs}"
        config = self.folder / f"{self.n_runs}.toml"
        config.write_text(support.toml_text({
            "run.iterations": 3, "problem.type": "hyper_cleaning", "problem.model": "linear", "problem.refit": False,
            "problem.data.format": "csv", "problem.data.train_features": str(train),
            "problem.data.validation_features": str(trusted), "problem.data.shuffle": False} | {
                key.replace("__", "."): value for key, value in settings.items()}), encoding="utf-8")
        ended = support.run("run", config, "--out", out, ranks=ranks, timeout_s=60)
        self.assertEqual(ended.code, code, ended.err + ended.out)
        return out if code == 0 else ended.err

    def state(self, *arguments, **settings):
        return support.read_state(self.run_on(*arguments, **settings))

    def assert_same(self, one, other):
        self.assertEqual(support.different_fields(one, other), [])

    def files(self, change=lambda rows: rows, header=None, trusted_header=None, trusted=lambda rows: rows, separator=","):
        return (self.write("train.csv", change(self.rows[:self.n_train]), header, separator),
                self.write("trusted.csv", trusted(self.rows[self.n_train:]), trusted_header or header, separator))


class TablesTest(TableCase):
    def test_what_a_table_looks_like_changes_no_bit(self):
        clean = self.state(*self.files())
        order = [4, 2, 0, 3, 1]
        moved = [self.header[j] for j in order]
        for name, make in {
                "header": lambda: self.files(header=self.header),
                "numbers as header": lambda: self.files(header=["0", "1", "2", "3", "4"]),
                "index column": lambda: self.files(lambda rows: [[i, *row] for i, row in enumerate(rows)], ["", *self.header],
                                                   trusted=lambda rows: [[i, *row] for i, row in enumerate(rows)]),
                "semicolons": lambda: self.files(header=self.header, separator=";"),
                "tabs": lambda: self.files(header=self.header, separator="\t"),
                "decimal commas": lambda: self.files(lambda rows: [[v.replace(".", ",") for v in row] for row in rows], self.header,
                                                     trusted=lambda rows: [[v.replace(".", ",") for v in row] for row in rows], separator=";"),
                "quotes": lambda: self.files(lambda rows: [[f" {v} " for v in row] for row in rows], self.header)}.items():
            with self.subTest(name):
                self.assert_same(self.state(*make()), clean)
        with self.subTest("columns of the trusted rows in another order"):
            train, _ = self.files(header=self.header)
            trusted = self.write("trusted.csv", [[row[j] for j in order] for row in self.rows[self.n_train:]], moved)
            self.assert_same(self.state(train, trusted, problem__data__label_column="y"), clean)
        with self.subTest("labels in the middle"):
            train, trusted = (self.write(f"{name}.csv", [[row[j] for j in (0, 1, 4, 2, 3)] for row in rows], ["a", "b", "y", "c", "d"])
                              for name, rows in (("train", self.rows[:self.n_train]), ("trusted", self.rows[self.n_train:])))
            self.assert_same(self.state(train, trusted, problem__data__label_column="y"), clean)
        with self.subTest("gzipped, JSON lines, 2 ranks"):
            for name, rows in (("train", self.rows[:self.n_train]), ("trusted", self.rows[self.n_train:])):
                lines = "".join(json.dumps({k: float(v) if k != "y" else int(v) for k, v in zip(self.header, row)}) + "\n" for row in rows)
                with gzip.open(self.folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
                    file.write(lines)
            self.assert_same(self.state(self.folder / "train.jsonl.gz", self.folder / "trusted.jsonl.gz", ranks=2), clean)

    def write_hdf5(self, name, rows, group):
        """The rows as columns with names: a dataset of records, or one dataset for each column of a group."""
        columns = {k: np.array([row[j] for row in rows], "S8" if k == "y" else "f8") for j, k in enumerate(self.header)}
        path = self.folder / name
        with h5py.File(path, "w") as file:
            if group:
                for k, values in columns.items():
                    file.create_dataset(f"table/{k}", data=values)
            else:
                file["table"] = np.rec.fromarrays(list(columns.values()), names=list(columns))
        return path

    def test_columns_of_hdf5_are_a_table(self):
        clean = self.state(*self.files())
        for group in (False, True):
            for ranks in (1, 2):
                with self.subTest(group=group, ranks=ranks):
                    self.assert_same(self.state(self.write_hdf5("train.h5", self.rows[:self.n_train], group),
                                                self.write_hdf5("trusted.h5", self.rows[self.n_train:], group), ranks=ranks), clean)
        train, trusted = self.folder / "train.h5", self.folder / "trusted.h5"
        self.assertIn("columns of a table", self.run_on(train, trusted, code=3, problem__data__format="hdf5"))
        with h5py.File(train, "r+") as file:
            file.create_dataset("table/never", (self.n_train,), "f4", chunks=(10,))
        self.assertIn("never written", self.run_on(train, trusted, code=3))
        with h5py.File(train, "r+") as file:
            del file["table/never"]
            file.create_group("other").update({"p": np.arange(3), "q": np.arange(3)})
        self.assertRegex(self.run_on(train, trusted, code=3), "several tables: /other/, /table/")
        with h5py.File(train, "w") as file:
            file["df/table"] = np.zeros(9, [("index", "i8"), ("values_block_0", "f8", (3,))])
        self.assertIn("read_hdf", self.run_on(train, trusted, code=3))

    def test_dates_are_days_whatever_they_look_like(self):
        days = [f"{2019 + i % 3}-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(len(self.rows))]
        header = [*self.header[:4], "day", "y"]

        def made(style):
            rows = [[*row[:4], style(*day.split("-")), row[4]] for row, day in zip(self.rows, days)]
            return self.write("train.csv", rows[:self.n_train], header), self.write("trusted.csv", rows[self.n_train:], header)
        clean = self.state(*made(lambda year, month, day: f"{year}-{month}-{day}"))
        for style in (lambda year, month, day: f"{int(month)}/{int(day)}/{year}", lambda year, month, day: f"{day}/{month}/{year}",
                      lambda year, month, day: f"{month}/{day}/{year} 12:00 AM"):
            self.assert_same(self.state(*made(style)), clean)
        mixed = made(lambda year, month, day: f"{month}/{day}/{year}" if year == "2019" else f"{day}/{month}/{year}")
        self.assertRegex(self.run_on(*mixed, code=3), "dates begin with their day and .* with their month")
        early = made(lambda year, month, day: f"{month}/{int(day) % 12 + 1}/{year}")
        self.assertIn("no value tells", (self.run_on(*early) / "run.log").read_text(encoding="utf-8"))

    def test_a_number_far_from_all_others_is_named(self):
        for row in (0, 1, 7):
            kept, self.rows[row][1] = self.rows[row][1], "1e30"
            log = (self.run_on(*self.files(header=self.header)) / "run.log").read_text()
            self.assertIn(f"number in line {row + 2} all others are alike", log)
            self.rows[row][1] = kept
        self.assertNotIn("all others are alike", (self.run_on(*self.files(header=self.header)) / "run.log").read_text())

    def test_the_same_label_is_the_same_class_in_all_files(self):
        def named(names):
            return lambda rows: [[*row[:4], names[int(row[4])]] for row in rows]
        clean = self.state(*self.files())
        for names in (["-1", "0", "1"], ["0", "400000", "800000"], ["1", "2", "3"], ["a", "b b", "ç"]):
            with self.subTest(str(names)):
                self.assert_same(self.state(*self.files(named(names), trusted=named(names))), clean)
        for one, other in (("-1", "0"), ("cat", "Cat"), ("7", "8")):
            train, trusted = self.files(named([one, "1", "2"]), trusted=named([other, "1", "2"]))
            error = self.run_on(train, trusted, code=3)
            self.assertRegex(error, f"trusted.csv: class \"{other}\" .* none of the rows of .*train.csv")
        train, trusted = self.files(named(["1", "2", "3"]))  # the trusted rows count classes from 0
        self.assertRegex(self.run_on(train, trusted, code=3), "trusted.csv: class \"0\"")
        some = [row for row in self.rows[self.n_train:] if row[4] != "1"]
        few = self.write("few.csv", named(NAMES)(some))
        train = self.write("train.csv", named(NAMES)(self.rows[:self.n_train]))
        out = self.run_on(train, few)
        log = (out / "run.log").read_text(encoding="utf-8")
        self.assertRegex(log, "warning: no validation row is of class größe")
        self.assertRegex(log, r"training rows: 150 of .*, 4 features, 3 classes: größe 5\d, rouge vif \d+, ピンク \d+")

    def test_lines_are_numbered_as_in_an_editor(self):
        rows = [[*row[:4], f"note {i}, a\nb" if i % 3 == 0 else "some other words", row[4]] for i, row in enumerate(self.rows)]
        train = self.write("train.csv", rows[:self.n_train], ["a", "b", "c", "d", "text", "y"])
        trusted = self.write("trusted.csv", rows[self.n_train:], ["a", "b", "c", "d", "text", "y"])
        out = self.run_on(train, trusted)
        ended = support.run("export", out, "--what", "samples", "--out", self.folder / "s.csv")
        self.assertEqual(ended.code, 0, ended.err)
        lines = train.read_text(encoding="utf-8").split("\n")
        with open(self.folder / "s.csv", newline="", encoding="utf-8") as file:
            for sample in csv.DictReader(file):
                begin = lines[int(sample["source_line"]) - 1]
                self.assertTrue(begin.startswith(",".join(rows[int(sample["source_row"])][:4])), begin)

    def test_one_error_names_all_that_is_wrong(self):
        def spoiled(change):
            rows = [list(row) for row in self.rows[:self.n_train]]
            change(rows)
            return self.write("train.csv", rows, self.header)
        trusted = self.write("trusted.csv", self.rows[self.n_train:], self.header)

        def shorten(rows):
            rows[3] = rows[3][:3]
            rows[8] = rows[8] + ["1"]

        def letters(rows):
            rows[4][1] = "12a"
            rows[7][2] = "1.5.2"

        def no_labels(rows):
            rows[2][4] = rows[5][4] = ""

        def fractions(rows):
            rows[2][4] = "0.5"

        def one_class(rows):
            for row in rows:
                row[4] = "1"
        for change, said in ((shorten, ["train.csv:5: 3 columns", "train.csv:10: 6 columns"]),
                             (letters, ["column 1 (\"b\")", "\"12a\" in line 6", "column 2 (\"c\")", "\"1.5.2\" in line 9", "problem.data.columns"]),
                             (no_labels, ["train.csv:4:", "train.csv:7:", "label", "missing"]),
                             (fractions, ["train.csv:4:", "\"0.5\"", "must be a class", "label_column"]),
                             (one_class, ["all 150 training rows have the label", "one class"])):
            with self.subTest(change.__name__):
                for ranks in (1, 2):
                    error = self.run_on(spoiled(change), trusted, ranks=ranks, code=3)
                    for words in said:
                        self.assertIn(words, error)
        train = self.write("train.csv", self.rows[:self.n_train], self.header)
        for header, said in ((["a", "b", "x", "d", "y"], ["no column \"c\"", "train.csv", "\"x\""]),
                             (["a", "a", "c", "d", "y"], ["two columns are named \"a\""])):
            error = self.run_on(train, self.write("trusted.csv", self.rows[self.n_train:], header), code=3)
            for words in said:
                self.assertIn(words, error)
        train = self.write("train.csv", [["" if i == 3 else v for i, v in enumerate(row)] if k == 0 else row for k, row in
                                         enumerate(self.rows[:self.n_train])], self.header)
        strange = [[*row[:3], "about 3", row[4]] if k == 5 else row for k, row in enumerate(self.rows[self.n_train:])]
        error = self.run_on(train, self.write("trusted.csv", strange, self.header), code=3)
        self.assertIn("trusted.csv:7: column 3 (\"d\"): \"about 3\" is not a number", error)
        train = self.write("train.csv", self.rows[:self.n_train], self.header)
        trusted = self.write("trusted.csv", self.rows[self.n_train:], self.header)
        for settings, code, said in (({"problem__data__columns": {"z": "text"}}, 2, "no such column"),
                                     ({"problem__data__columns": {"a": "animal"}}, 2, "must be one of number|raw"),
                                     ({"problem__data__header": "maybe"}, 2, "must be one of auto|true|false"),
                                     ({"problem__data__label_column": "label"}, 3, "\"y\"")):
            self.assertIn(said, self.run_on(train, trusted, code=code, **settings))


class CleanTest(TableCase):
    def mixed(self, wrong_names=True):
        """Rows with a category, a date, text, gaps and class names."""
        random = np.random.default_rng(5)
        words = [["fuzzy", "soft", "warm"], ["sharp", "cold", "metal"], ["sweet", "tasty", "fresh"]]
        rows = []
        for i, row in enumerate(self.rows):
            k = int(row[4])
            true = k if not (i < self.n_train and i % 5 == 0) else (k - 1) % 3
            rows.append([*(("" if random.random() < 0.05 else v) for v in row[:4]),
                         f"kind {random.integers(4)}", f"2026-{1 + i % 12:02d}-11",
                         " ".join(random.choice(words[true], 4)) + f", item {i}" + ("\nnext line" if i % 7 == 0 else ""),
                         NAMES[k]])
        header = ["a", "b", "c", "d", "kind", "day", "comment", "label"]
        return (self.write("doubtful.csv", rows[:self.n_train], header), self.write("trusted.csv", rows[self.n_train:], header),
                header, rows[:self.n_train])

    def clean(self, *arguments, code=0, verb="clean"):
        ended = support.run(verb, *arguments, timeout_s=120)
        self.assertEqual(ended.code, code, ended.err + ended.out)
        return ended.out if code == 0 else ended.err

    def table(self, path):
        with open(path, newline="", encoding="utf-8") as file:
            lines = list(csv.reader(file))
        return lines[0], lines[1:]

    def test_suspects_and_cleaned_tables(self):
        doubtful, trusted, header, rows = self.mixed()
        out = self.folder / "out"
        said = self.clean(doubtful, "--trusted", trusted, "--out", out)
        self.assertIn("labels look wrong", said)
        names, cleaned = self.table(out / "cleaned.csv")
        self.assertEqual(names, [*header, "meha_p_correct", "meha_is_suspect", "meha_suggested_label", "meha_p_suggested"])
        self.assertEqual([row[:8] for row in cleaned], rows)
        flagged = {i for i, row in enumerate(cleaned) if row[9] == "1"}
        self.assertGreater(len(flagged & self.wrong), 0.9 * len(self.wrong))
        self.assertLess(len(flagged - self.wrong), 0.2 * len(self.wrong))
        names, suspects = self.table(out / "suspects.csv")
        self.assertEqual(names[8:], ["meha_line", "meha_given_label", "meha_p_correct", "meha_suggested_label", "meha_p_suggested", "meha_why"])
        self.assertEqual(len(suspects), len(flagged))
        p_correct = [float(row[10]) for row in suspects]
        self.assertEqual(p_correct, sorted(p_correct))
        lines = doubtful.read_text(encoding="utf-8").split("\n")
        for row in suspects:
            self.assertTrue(lines[int(row[8]) - 1].startswith(",".join(row[:4])), row)
        for fix in ("drop", "relabel"):
            self.clean(doubtful, "--trusted", trusted, "--out", out, "--fix", fix)
            names, fixed = self.table(out / "cleaned.csv")
            if fix == "drop":
                self.assertEqual((names, fixed), (header, [row for i, row in enumerate(rows) if i not in flagged]))
            else:
                self.assertEqual(names, [*header, "meha_given_label"])
                self.assertEqual([row[:7] for row in fixed], [row[:7] for row in rows])
                self.assertEqual({i for i, row in enumerate(fixed) if row[7] != row[8]}, flagged)
        again = self.folder / "again"
        ended = support.run("run", out / "clean.toml", "--out", again, ranks=2)
        self.assertEqual(ended.code, 0, ended.err)
        self.assert_same(support.read_state(again), support.read_state(out))
        ranks = self.folder / "ranks"
        self.clean(doubtful, "--trusted", trusted, "--out", ranks, "--ranks", 2)
        self.assertEqual((ranks / "suspects.csv").read_bytes(), (out / "suspects.csv").read_bytes())

    def test_results_of_a_table_are_not_its_features(self):
        doubtful, trusted, _, _ = self.mixed()
        self.clean(doubtful, "--trusted", trusted, "--out", self.folder / "one")
        said = self.clean(self.folder / "one" / "cleaned.csv", "--label", "label", "--trusted", trusted, "--out", self.folder / "two")
        self.assertRegex(said, r"4 columns ignore \(holds results of an earlier run\): meha_p_correct")
        self.assert_same(support.read_state(self.folder / "two"), support.read_state(self.folder / "one"))

    def test_rows_are_picked_and_come_back_as_trusted(self):
        doubtful, _, header, rows = self.mixed()
        check = self.folder / "check.csv"
        said = self.clean(doubtful, "--label", "label", "-n", 40, "--out", check, verb="pick")
        self.assertIn("40 rows whose labels should be looked at", said)
        names, picked = self.table(check)
        self.assertEqual(names[:8], header)
        self.assertEqual(len(picked), 40)
        self.assertEqual({row[7] for row in picked}, {""})
        place = names.index("meha_given_label")
        by_text = {tuple(row[:7]): (i, row) for i, row in enumerate(rows)}
        for row in picked[:-4]:
            i, original = by_text[tuple(row[:7])]
            self.assertEqual(row[place], original[7])
            row[7] = NAMES[(NAMES.index(original[7]) - 1) % 3] if i in self.wrong else original[7]
        check.write_text(text_of(picked, names), encoding="utf-8")
        said = self.clean(doubtful, "--label", "label", "--trusted", check, "--out", self.folder / "out")
        self.assertIn("4 of 40 rows have no label and are left out", said)
        self.assertIn("exists", self.clean(doubtful, "--label", "label", "--out", check, verb="pick", code=2))

    def test_other_formats_are_found_out(self):
        rows = support.make_rows(120, wrong=0.2)
        files = support.write_rows_idx(self.folder, "train", rows)
        support.write_rows_hdf5(self.folder / "rows.h5", rows)
        np.savez_compressed(self.folder / "rows.npz", X=rows.features, y=rows.labels)
        features, labels = files["problem.data.train_features"], files["problem.data.train_labels"]
        for name, arguments in (("idx", (features, "--labels", labels)), ("hdf5", (self.folder / "rows.h5",)), ("npz", (self.folder / "rows.npz",))):
            with self.subTest(name):
                self.clean(*arguments, "--out", self.folder / name)
                head, cleaned = self.table(self.folder / name / "cleaned.csv")
                self.assertEqual(head, ["row", "label", "given_label", "p_correct", "is_suspect", "suggested_label", "p_suggested"])
                self.assertEqual([int(row[0]) for row in cleaned], list(range(120)))
        np.savez(self.folder / "named.npz", X=rows.features, y=np.array(["a", "b", "c", "d", "e"])[rows.labels % 5])
        self.assertIn("which number is which class", self.clean(self.folder / "rows.npz", "--trusted", self.folder / "named.npz",
                                                                "--out", self.folder / "no", code=3))
        for flag in (("--label", "y"), ("--column", "a=text"), ("--header", "true")):
            self.assertIn(f"{flag[0]}: belongs to tables as text", self.clean(self.folder / "rows.npz", *flag, "--out", self.folder / "no", code=2))
        self.assertIn("of format", self.clean(features, "--labels", labels, "--trusted", self.folder / "rows.h5", "--out",
                                              self.folder / "no", code=3))

    def test_a_pipe_is_a_table_too(self):
        doubtful, trusted, _, _ = self.mixed()
        self.clean(doubtful, "--trusted", trusted, "--out", self.folder / "file")
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        job = support.start("clean", pipe, "--trusted", trusted, "--out", self.folder / "out")
        support.write_pipe(support.open_pipe(pipe, job), doubtful.read_bytes())
        ended = support.finish(job)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertEqual((self.folder / "out" / "cleaned.csv").read_bytes(), (self.folder / "file" / "cleaned.csv").read_bytes())

    def test_the_guide(self):
        guide = (support.source / "configs/README.md").read_text(encoding="utf-8")
        make, clean, said = re.findall(r"```(?:python|sh|text)\n(.*?)```", guide, re.S)[:3]
        (self.folder / "build").symlink_to(support.program.parent)
        for command in ([sys.executable, "-c", make], ["bash", "-euc", clean]):
            ended = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, env=support.environment(), check=False)
            self.assertEqual(ended.returncode, 0, ended.stderr)
        for line in said.splitlines():
            self.assertIn(line, ended.stdout.splitlines())
        self.assertIn("ignore (numbers the rows): id", ended.stdout)

    def test_nothing_of_a_person_is_replaced(self):
        doubtful, trusted, _, _ = self.mixed()
        out = self.folder / "mine"
        out.mkdir()
        (out / "clean.toml").write_text("# my own\n", encoding="utf-8")
        error = self.clean(doubtful, "--trusted", trusted, "--out", out, code=5)
        self.assertIn("was not written by meha clean", error)
        self.assertEqual((out / "clean.toml").read_text(encoding="utf-8"), "# my own\n")

    def test_files_of_a_person_are_not_replaced_by_results(self):
        doubtful, trusted, _, _ = self.mixed()
        for name in ("cleaned.csv", "suspects.csv", "run.log", "columns.json"):
            with self.subTest(name):
                folder = self.folder / name.replace(".", "-")
                folder.mkdir()
                (folder / name).write_bytes(doubtful.read_bytes())
                self.clean(folder / name, "--trusted", trusted, "--label", "label", "--out", folder, code=5)
                self.assertEqual((folder / name).read_bytes(), doubtful.read_bytes())
        out = self.folder / "out"
        self.clean(doubtful, "--trusted", trusted, "--out", out)
        self.clean(doubtful, "--trusted", trusted, "--out", out)
        self.assertIn("would be replaced", self.clean(doubtful, "--trusted", out / "suspects.csv", "--label", "label", "--out", out, code=5))
        for name in ("cleaned.csv", "suspects.csv", "clean.toml"):
            kept = (out / name).read_bytes()
            (out / name).write_bytes(kept + b"#\n")
            self.assertIn("was changed since", self.clean(doubtful, "--trusted", trusted, "--out", out, code=5))
            self.assertEqual((out / name).read_bytes(), kept + b"#\n")
            (out / name).unlink()
        self.clean(doubtful, "--trusted", trusted, "--out", out)

    def test_methods_that_need_all_rows_get_them(self):
        doubtful, trusted, _, _ = self.mixed()
        out = self.folder / "out"
        self.clean(doubtful, "--trusted", trusted, "--out", out, "--set", "algorithm.name=bome", "--set", "run.iterations=2")
        self.assertNotIn("batch", (out / "clean.toml").read_text(encoding="utf-8"))

    def test_labels_keep_their_spelling(self):
        for place, names in enumerate((["+", "-", "0x"], ["1.0", "2.0", "3.0"], ["007", "010", "011"], ["=A1", "@x", "b"])):
            with self.subTest(str(names)):
                rows = [[*row[:4], names[int(row[4])]] for row in self.rows]
                doubtful, trusted = self.write(f"d{place}.csv", rows[:self.n_train]), self.write("t.csv", rows[self.n_train:])
                out = self.folder / f"spelled-{place}"
                self.clean(doubtful, "--trusted", trusted, "--out", out, "--header", "false", "--fix", "relabel")
                with open(out / "cleaned.csv", newline="", encoding="utf-8") as file:
                    self.assertEqual({row[4] for row in csv.reader(file)}, set(names))
        lines = [json.dumps({k: float(v) if k != "y" else int(v) for k, v in zip(self.header, row)}) + "\n" for row in self.rows]
        (self.folder / "d.jsonl").write_text("".join(lines), encoding="utf-8")
        self.clean(self.folder / "d.jsonl", "--out", self.folder / "json", "--fix", "relabel")
        cleaned = [json.loads(line) for line in (self.folder / "json" / "cleaned.jsonl").read_text(encoding="utf-8").splitlines()]
        self.assertEqual({type(row["y"]) for row in cleaned}, {int})
        self.assertNotEqual([row["y"] for row in cleaned], [json.loads(line)["y"] for line in lines])

    def test_labels_are_never_taken_from_results(self):
        header = ["a", "b", "c", "d", "species"]
        doubtful, check = self.write("d.csv", self.rows[:self.n_train], header), self.folder / "my check.csv"
        said = self.clean(doubtful, "-n", 30, "--out", check, verb="pick")
        self.assertIn(f"--trusted '{check}' --label species", said)
        self.assertIn("no row has a label", self.clean(doubtful, "--trusted", check, "--out", self.folder / "out", code=3))
        self.clean(doubtful, "--fix", "relabel", "--out", self.folder / "one")
        said = self.clean(self.folder / "one" / "cleaned.csv", "--out", self.folder / "two")
        self.assertIn("meha_given_label", said)
        _, cleaned = self.table(self.folder / "two" / "cleaned.csv")
        self.assertLess(sum(row[7] == "1" for row in cleaned), 10)

    def test_messages_name_flags_of_the_command_line(self):
        doubtful, trusted, out = self.write("d.csv", self.rows[:self.n_train], self.header), self.folder / "t.csv", self.folder / "out"
        stray = self.write("s.csv", [[*row[:3], "about 3", row[4]] if k == 5 else row for k, row in enumerate(self.rows)], self.header)
        self.write("t.csv", [[*row[:4], row[4].replace("2", "two")] for row in self.rows[self.n_train:]], self.header)
        for arguments, code, words in (
                ((doubtful, "--label", "z"), 3, '--label "z": must be'), ((doubtful, "--label", "a"), 3, "the column that --label means"),
                ((stray,), 3, '--column "d"=number to take them'), ((doubtful, "--column", "q=text"), 2, '--column "q":'),
                ((doubtful, "--column", "a=animal"), 2, "--column: \"animal\": must be one of"),
                ((doubtful, "--trusted", trusted), 3, "--set problem.data.class_names"),
                ((doubtful, "--format", "npy"), 2, "--labels: must be given with the table"),
                ((doubtful, "--set", "problem.data.n_train=5000"), 3, "--set problem.data.n_train=5000: ")):
            for ranks in (1, 2):
                with self.subTest(words, ranks=ranks):
                    error = self.clean(*arguments, "--out", out, "--ranks", ranks, code=code)
                    self.assertIn(words, error)
                    self.assertNotIn("problem.data.", error.replace("--set problem.data.", ""))
        error = self.clean(stray, "--out", self.folder / "check.csv", verb="pick", code=3)
        self.assertIn('--column "d"=number', error)
        ended = support.run("data", "import", "--format", "csv", stray, "--out", self.folder / "s.h5")
        self.assertIn('--column "d"=number', ended.err)
        self.assertIn("giving them as --trusted", self.clean(doubtful, "--out", out))

    def test_a_round_goes_on_from_the_round_before(self):
        doubtful, few, _, rows = self.mixed()
        header, trusted = self.table(few)
        more = self.write("more.csv", trusted + [row for i, row in enumerate(rows) if i not in self.wrong][:30], header)
        one, two = self.folder / "one", self.folder / "two"
        self.assertIn(f"--from {one} --out", self.clean(doubtful, "--trusted", few, "--out", one))
        ended = support.run("clean", doubtful, "--trusted", more, "--from", one, "--out", two, timeout_s=120)
        self.assertEqual((ended.code, ended.err), (0, ""))
        self.assertIn(f"going on from {one}, ", ended.out)
        self.assertIn(f'initial_state = "{one}/result.h5"', (two / "clean.toml").read_text(encoding="utf-8"))
        self.clean(doubtful, "--trusted", more, "--from", one, "--out", self.folder / "ranks", "--ranks", 2)
        self.assertEqual((self.folder / "ranks" / "cleaned.csv").read_bytes(), (two / "cleaned.csv").read_bytes())
        before, began = support.read_state(one), support.read_state(two)
        self.assertEqual(before["x"].shape, began["x"].shape)
        self.assertIn("finished already", self.clean(doubtful, "--trusted", more, "--from", one, "--out", two))
        start = support.run("run", two / "clean.toml", "--out", self.folder / "start", "--set", "run.iterations=0")
        self.assertEqual(start.code, 0, start.err)
        np.testing.assert_array_equal(support.read_state(self.folder / "start")["x"], before["x"])
        self.assertIn("must not be --out", self.clean(doubtful, "--trusted", more, "--from", two, "--out", two, code=2))
        for name in ("none", "start/none"):
            self.assertIn("has finished", self.clean(doubtful, "--trusted", more, "--from", self.folder / name, "--out", self.folder / "no", code=5))
        other = self.folder / "other.csv"
        other.write_bytes(doubtful.read_bytes())
        for arguments, why in (((other,), "is not the file"), ((doubtful, "--column", "kind=ignore"), "--column was"),
                               ((doubtful, "--set", "problem.regularisation=0.1"), "problem.regularisation was 0.0 there")):
            with self.subTest(why):
                out = self.folder / f"anew-{len(why)}"
                said = self.clean(*arguments, "--trusted", more, "--from", one, "--out", out)
                self.assertIn("beginning anew", said)
                self.assertIn(why, said)
                self.assertNotIn("initial_state", (out / "clean.toml").read_text(encoding="utf-8"))
        doubtful.write_bytes(doubtful.read_bytes() + b"\n")
        self.assertIn("was changed since", self.clean(doubtful, "--trusted", more, "--from", one, "--out", self.folder / "changed"))

    def test_ids_are_no_labels(self):
        for name, make in (("words", lambda i: f"sample {i // 2 if i < 40 else i}"), ("numbers", str), ("large numbers", lambda i: str(10 ** 7 + i))):
            table = self.write(f"{name}.csv", [[*row[:4], make(i)] for i, row in enumerate(self.rows)], self.header)
            for ranks in (1, 2):
                with self.subTest(name, ranks=ranks):
                    error = self.clean(table, "--out", self.folder / "out", "--ranks", ranks, code=3)
                    self.assertIn("as in a column of ids; is it the column that --label means?", error)
        few = [[*row[:4], f"kind {i % 9}"] for i, row in enumerate(self.rows[:10])] + [[*row[:4], "kind 0"] for row in self.rows[10:14]]
        self.clean(self.write("few.csv", few, self.header), "--out", self.folder / "few")

    def test_suspects_that_nobody_has_looked_at_are_not_trusted(self):
        doubtful, trusted, header, _ = self.mixed()
        self.clean(doubtful, "--trusted", trusted, "--out", self.folder / "one")
        names, suspects = self.table(self.folder / "one" / "suspects.csv")
        for ranks in (1, 2):
            error = self.clean(doubtful, "--trusted", self.folder / "one" / "suspects.csv", "--label", "label", "--out", self.folder / "two", "--ranks", ranks, code=3)
            self.assertIn("all labels are still as given", error)
        for row in suspects:
            row[7] = row[11]
        looked_at = self.write("looked_at.csv", suspects, names)
        self.clean(doubtful, "--trusted", looked_at, "--label", "label", "--out", self.folder / "two")
        self.assertIn("not in range", support.run("clean", doubtful, "--ranks", 9999).err.lower())

    def test_messages_name_the_likely_cause(self):
        header = ["a", "a", "c", "d", "y"]
        for name, table, said in (
                ("folder", self.folder, "is a folder"), ("two names", self.write("twice.csv", self.rows, header), 'two columns are named "a"'),
                ("two rows", self.write("two.csv", [["1", "2", "x"], ["3", "4", "y"]], ["a", "b", "y"]), '--header "true"'),
                ("returns", self.write("mac.csv", self.rows, self.header), "carriage return alone"),
                ("large", self.write("large.csv", [["1e300" if i == 9 else row[0], *row[1:]] for i, row in enumerate(self.rows)], self.header), "largest number is 1e+300"),
                ("trailing", self.write("t.csv", [[*row, ""] for row in self.rows], [*self.header, ""]), "which column has them says --label")):
            if name == "returns":
                table.write_bytes(table.read_bytes().replace(b"\n", b"\r"))
            for ranks in (1, 2):
                with self.subTest(name, ranks=ranks):
                    self.assertIn(said, self.clean(table, "--out", self.folder / "out", "--ranks", ranks, code=3))

    def test_decimals_and_warnings(self):
        rows = [[*(v.replace(".", ",") for v in row[:4]), f"k{i % 5}"] for i, row in enumerate(self.rows)]
        doubtful, trusted = self.write("d.csv", rows, self.header, ";"), self.write("t.csv", rows[:7], self.header, ";")
        said = self.clean(doubtful, "--trusted", trusted, "--out", self.folder / "out")
        self.assertIn("4 columns raw, numbers as they stand: a, b, c, d", said)
        self.assertIn("warning: 7 validation rows for 5 classes", said)
        with open(self.folder / "out" / "cleaned.csv", newline="", encoding="utf-8") as file:
            for row in list(csv.reader(file, delimiter=";"))[1:]:
                self.assertRegex(row[5], r"^[01],\d{4}$")

    def test_what_is_no_text_is_named(self):
        text = text_of(self.rows, self.header).encode()
        table = self.write("d.csv", self.rows, self.header)
        for name, content, said in (("utf16.csv", text.decode().encode("utf-16"), "UTF-16"), ("a.bz2", bz2.compress(text), "bunzip2"),
                                    ("a.xz", lzma.compress(text), "unxz"), ("a.pkl", pickle.dumps([1, 2]), "pickle"),
                                    ("page.csv", b"<!DOCTYPE html>\n<html></html>", "HTML")):
            path = self.folder / name
            path.write_bytes(content)
            for ranks in (1, 2):
                with self.subTest(name, ranks=ranks):
                    self.assertIn(said, self.clean(path, "--out", self.folder / "out", "--ranks", ranks, code=3))
                    self.assertIn(said, self.clean(table, "--trusted", path, "--out", self.folder / "out", "--ranks", ranks, code=3))
                    self.assertIn(said, self.run_on(table, path, ranks=ranks, code=3))
        self.assertEqual([path.name for path in self.folder.glob("out/*")], [])

    def test_columns_that_tell_nothing_are_not_believed(self):
        random = np.random.default_rng(3)
        rows = [[f"{random.normal():.4f}", f"{random.normal():.4f}", str(random.integers(3))] for _ in range(300)]
        said = self.clean(self.write("d.csv", rows, ["a", "b", "y"]), "--out", self.folder / "out")
        self.assertIn("do not believe these suspects", said)
        self.assertNotIn("expected to be wrong indeed", said)

    def test_names_do_nothing_to_terminals_and_spreadsheets(self):
        names = ["=cmd()", "\x1b[31mred", "+1+1"]
        rows = [[*row[:4], names[int(row[4])]] for row in self.rows]
        doubtful, trusted = self.write("d.csv", rows[:self.n_train]), self.write("t.csv", rows[self.n_train:])
        said = self.clean(doubtful, "--trusted", trusted, "--out", self.folder / "out", "--header", "false")
        self.assertNotIn("\x1b", said)
        self.assertIn("\\x1b[31mred", said)
        with open(self.folder / "out" / "cleaned.csv", newline="", encoding="utf-8") as file:
            for row in csv.reader(file):
                self.assertFalse(re.match(r"[=+@]", row[7]), row)


if __name__ == "__main__":
    support.main()
