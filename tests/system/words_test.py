# SPDX-License-Identifier: MIT
"""meha data words: rows of hashed n-grams, against a second implementation."""
import collections
import math

import h5py
import numpy as np
import xxhash

import support

LONGEST = 4


def features_of(word, n_columns, longest=LONGEST):
    """feature -> value, as the header of data/words says."""
    text = f"<{word}>"
    grams = [text[i:i + n] for n in range(1, longest + 1) for i in range(len(text) - n + 1)]
    counts = collections.Counter(xxhash.xxh3_64_intdigest(gram.encode()) % n_columns for gram in grams if gram not in "<>")
    length = math.sqrt(sum(count * count for count in counts.values()))
    return {feature: np.float32(count / length) for feature, count in counts.items()}


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
                self.assertEqual(row, features_of(word, n_columns, longest), word)
                self.assertEqual(label, k, "a word of two lists is a row of each")

    def test_order_depends_on_the_seed_alone(self):
        one, same, other = (read_rows(self.made("--seed", seed, name=name))[2].tolist() for seed, name in ((1, "a"), (1, "b"), (2, "c")))
        self.assertEqual(one, same)
        self.assertNotEqual(one, other)

    def test_what_is_wrong_is_said(self):
        self.assertRegex(self.made("--columns", 1000, code=2), "columns = 1000: must be a power of two")
        self.assertIn("nowhere", self.made(code=3, lists=[self.folder / "nowhere"]))
        self.assertFalse((self.folder / "words.h5").exists())


if __name__ == "__main__":
    support.main()
