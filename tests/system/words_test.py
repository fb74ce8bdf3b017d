# SPDX-License-Identifier: MIT
"""meha data words: rows of hashed n-grams, against the few lines of Python of src/data/README.md, and training on them."""
import re

import h5py
import numpy as np

import support


def readme_features():
    """The implementation of src/data/README.md."""
    block = next(block for block in re.findall(r"```python\n(.*?)```", (support.source / "src/data/README.md").read_text(), re.S) if "xxh3" in block)
    names = {}
    exec(block, names)  # pylint: disable=exec-used
    return names["features"]


def read_rows(path):
    """Of sparse rows: a dict for each, and the other datasets."""
    with h5py.File(path, "r") as file:
        first, feature, value = (file["features"][name][()] for name in ("first_entry", "feature", "value"))
        rows = [dict(zip(feature[a:b].tolist(), value[a:b])) for a, b in zip(first[:-1], first[1:])]
        return rows, file["labels"][()], file["ids"][()], list(file["class_names"].asstr()), file["features"].attrs["n_features"]


class WordsTest(support.Case):
    words = {"english": ["chat", "the", "Abby's", "naïve"], "french": ["chat", "été", "l'eau"], "other": ["ß", "łódź", "日本語", "𝄞a"]}

    def made(self, *more, name="words", code=0, lists=None):
        out = self.folder / f"{name}.h5"
        ended = support.run("data", "words", *(lists or self.lists()), "--out", out, *more)
        self.assertEqual(ended.code, code, f"{ended.out}\n{ended.err}")
        return out if code == 0 else ended.err

    def lists(self):
        for name, words in self.words.items():
            (self.folder / name).write_text("\n".join(words) + "\n", encoding="utf-8")
        return [self.folder / "english", f"français={self.folder / 'french'}", self.folder / "other"]

    def test_rows_are_what_their_definition_says(self):
        features = readme_features()
        all_words = [(word, k) for k, words in enumerate(self.words.values()) for word in words]
        for n_columns, longest in ((2**18, 4), (2**20, 4), (16, 3), (4, 2)):
            out = self.made("--columns", n_columns, "--longest", longest, name=f"columns-{n_columns}")
            self.assertEqual(support.run("data", "verify", out).code, 0)
            rows, labels, ids, names, n_features = read_rows(out)
            self.assertEqual(names, ["english", "français", "other"])
            self.assertEqual(n_features, n_columns)
            self.assertEqual(sorted(ids), list(range(len(all_words))))
            for row, label, number in zip(rows, labels, ids):
                word, k = all_words[number]
                expected = {feature: np.float32(value) for feature, value in features(word, n_columns, longest).items()}
                self.assertEqual(row, expected, word)
                self.assertEqual(label, k, "a word of two lists is a row of each")

    def test_order_depends_on_the_seed_alone(self):
        one, same, other = (read_rows(self.made("--seed", seed, name=name))[2].tolist() for seed, name in ((1, "a"), (1, "b"), (2, "c")))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_what_is_wrong_is_said(self):
        self.assertRegex(self.made("--columns", 1000, code=2), "columns = 1000: must be a power of two")
        self.assertIn("nowhere", self.made(code=3, lists=[self.folder / "nowhere"]))
        self.assertFalse((self.folder / "words.h5").exists())

    def invented(self, n_words):
        """Languages that prefer other syllables. @return their lists"""
        draw = np.random.default_rng(3)
        paths = []
        for name in ("ba", "ko", "si"):
            likely = draw.dirichlet(np.full(60, 0.2))
            syllables = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
            words = {"".join(draw.choice(syllables, draw.integers(1, 5), p=likely)) for _ in range(3 * n_words)}
            paths.append(self.folder / name)
            paths[-1].write_text("\n".join(sorted(words)[:n_words]) + "\n", encoding="ascii")
        return paths

    def test_the_example_in_small(self):
        rows = self.made("--columns", 2**14, name="rows", lists=self.invented(1000))
        runs = []
        for ranks in (1, 3):
            runs.append(self.folder / f"run-{ranks}")
            ended = support.run("run", support.source / "configs/ci_word_languages.toml", "--out", runs[-1], "--set",
                                f"problem.data.train_features={rows}", ranks=ranks)
            self.assertEqual(ended.code, 0, ended.err)
        self.assert_same_state(*runs)
        last = support.read_metrics(runs[0])[-1]
        self.assertGreater(last["auroc"], 0.85)
        self.assertGreater(last["test_accuracy"], 0.8)

    def many_rows(self, *names):
        """Files of 5 MB of entries: above 1 MiB on each of 3 ranks."""
        lists = self.invented(70)
        for path in lists:
            words = path.read_text(encoding="ascii").split()
            path.write_text("\n".join(one + other for one in words for other in words) + "\n", encoding="ascii")
        return [self.made("--columns", 2**14, name=name, lists=lists) for name in names]

    def ran(self, verb, target, *settings, ranks=1, code=0, out=()):
        pairs = [part for setting in settings for part in ("--set", setting)]
        ended = support.run(verb, target, *out, *pairs, ranks=ranks)
        self.assertEqual(ended.code, code, ended.out + ended.err)
        return ended

    def started(self, rows, name, *settings, ranks=1):
        out = self.folder / name
        self.ran("run", support.source / "configs/ci_word_languages.toml", f"problem.data.train_features={rows}", "problem.data.n_train=12800",
                 "problem.data.n_validation=1000", "problem.data.n_test=800", "run.iterations=30", *settings, ranks=ranks, out=("--out", out))
        return out

    def test_rows_on_disk_have_the_bits_of_rows_in_memory(self):
        rows, = self.many_rows("many")
        for batch, rank_counts in ((512, (1, 3)), (0, (3,))):
            batches = (f"algorithm.batch_lower={batch}", f"algorithm.batch_upper={batch // 4}")
            here = self.started(rows, f"here-{batch}", *batches, ranks=2)
            self.assertIn("rows: in memory", (here / "run.log").read_text())
            for ranks in rank_counts:
                there = self.started(rows, f"there-{batch}-{ranks}", *batches, "problem.data.memory=1", ranks=ranks)
                self.assertIn("rows are read from disk in every pass", (there / "run.log").read_text())
                self.assert_same_state(here, there)
        parts = self.started(rows, "parts", "problem.data.memory=1", "run.iterations=11", ranks=3)
        self.ran("resume", parts, "run.iterations=20", "problem.data.memory=0")
        self.ran("resume", parts, "run.iterations=30", "problem.data.memory=1", ranks=2)
        self.assert_same_state(self.folder / "here-512", parts)

    def test_a_damaged_chunk_ends_the_run_on_all_ranks(self):
        rows, other = self.many_rows("many", "other")  # the other comes to memory, by way of the whole file
        with h5py.File(rows) as file:
            place = file["features"]["value"].id.get_chunk_info(3).byte_offset + 1000
        out = self.started(rows, "run", f"problem.data.validation_features={other}", f"problem.data.test_features={other}",
                           "problem.data.memory=1", "run.iterations=3", ranks=3)
        with open(rows, "r+b") as file:
            file.seek(place)
            kept = file.read(1)
            file.seek(place)
            file.write(bytes([kept[0] ^ 1]))
        ended = self.ran("resume", out, "run.iterations=30", ranks=3, code=3)
        for text in ("many.h5", "entries 49152 to 65535 of /features/value", "block 3", "damaged"):
            self.assertIn(text, ended.err)
        self.assertEqual(ended.err.count("entries 49152"), 1, ended.err)


if __name__ == "__main__":
    support.main()
