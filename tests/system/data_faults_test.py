#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Data that are not there, or not what they seem: every verb refuses them alike, and nothing is silently 0."""
import pathlib
import shutil
import tempfile
import unittest

import h5py
import numpy as np

import support

HYPER_CLEANING = {"problem.type": "hyper_cleaning", "problem.data.format": "hdf5", "problem.data.n_validation": 40,
                  "problem.data.shuffle": False, "run.iterations": 3, "algorithm.name": "meha"}


class DataFaults(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.rows = support.make_rows(200, seed=3)
        self.path = self.folder / "rows.h5"

    def write(self, **changes):
        """Writes the rows with changed datasets. A callable gets the file; None: no such dataset."""
        with h5py.File(self.path, "w", libver=changes.pop("libver", "earliest")) as file:
            for name, values in {"features": self.rows.features, "labels": self.rows.labels, **changes}.items():
                if callable(values):
                    values(file)
                elif values is not None:
                    file[name] = values

    def config(self, **changes):
        settings = {**HYPER_CLEANING, "problem.data.train_features": str(self.path),
                    **{key.replace("__", "."): value for key, value in changes.items()}}
        path = self.folder / "config.toml"
        path.write_text(support.toml_text(settings))
        return path

    def verbs(self, config=None):
        """Every way to these data."""
        config = config or self.config()
        out = self.folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        self.n_faults = getattr(self, "n_faults", 0) + 1
        for ranks in (1, 2) if self.n_faults == 1 else (1,):  # starting more ranks takes a while
            yield ("run", config, "--out", out), ranks
        yield ("plan", config), 1
        yield ("data", "import", "--format", "hdf5", self.path, "--out", self.folder / "copy.h5"), 1
        yield ("data", "info", self.path), 1
        yield ("data", "verify", self.path), 1

    def refused(self, *said, skip=(), cwd=None):
        for arguments, ranks in self.verbs():
            if arguments[0] in skip or arguments[1] in skip:
                continue
            ended = support.run(*arguments, ranks=ranks, cwd=cwd)
            self.assertEqual(ended.code, 3, (arguments, ended))
            for word in (str(self.path), *said):
                self.assertIn(word, ended.err, arguments)
            self.assertFalse((self.folder / "out" / "result.h5").exists(), arguments)

    def accepted(self, config=None):
        for arguments, ranks in self.verbs(config):
            ended = support.run(*arguments, ranks=ranks)
            self.assertEqual(ended.code, 0, (arguments, ended))
        (self.folder / "copy.h5").unlink()

    def state(self, config=None):
        out = self.folder / "state"
        shutil.rmtree(out, ignore_errors=True)
        ended = support.run("run", config or self.config(), "--out", out)
        self.assertEqual(ended.code, 0, ended)
        with h5py.File(out / "result.h5") as file:
            return {name: values[()].tobytes() for name, values in file["state"].items()}, ended

    # ---- values that are not there ----

    def test_datasets_that_were_never_written(self):
        def empty(name, **kwargs):
            shape = getattr(self.rows, name).shape
            return {name: lambda file: file.create_dataset(name, shape, "u1", **kwargs)}
        for faulty in (empty("features"), empty("labels"), empty("features", chunks=(50, 7)),
                       empty("features", chunks=(50, 35), compression="gzip"),
                       {"truth": lambda file: file.create_dataset("truth", (200,), "i4")},
                       {"ids": lambda file: file.create_dataset("ids", (200,), "i8")}):
            self.write(**faulty)
            self.refused("/" + next(iter(faulty)), "never written", "also zeros")

    def test_chunks_that_were_never_written(self):
        def partly(file, kept, **kwargs):
            features = file.create_dataset("features", self.rows.features.shape, "u1", **kwargs)
            for rows in kept:
                features[rows] = self.rows.features[rows]
        for libver, kwargs in (("earliest", {"chunks": (50, 35)}), ("latest", {"chunks": (50, 35), "compression": "gzip"}),
                               ("latest", {"chunks": (50, 35), "maxshape": (None, 35), "fletcher32": True})):
            self.write(libver=libver, features=lambda file: partly(file, [slice(0, 50), slice(100, 200)], **kwargs))
            self.refused("/features", "1 of 4 chunks", "first at row 50", "also zeros")
            self.write(libver=libver, features=lambda file: partly(file, [slice(0, 200)], **kwargs))
            self.assertEqual(support.run("data", "verify", self.path).code, 0)

    def test_sparse_rows_that_were_never_written(self):
        def sparse(file, faulty):
            group = file.create_group("features")
            group.attrs["n_features"] = 5
            for name, values in {"first_entry": np.arange(201, dtype="i8"), "feature": np.zeros(200, "i4"),
                                 "value": np.ones(200, "f4")}.items():
                if name == faulty:
                    group.create_dataset(name, values.shape, values.dtype)
                else:
                    group[name] = values
        for faulty in ("first_entry", "feature", "value"):
            self.write(features=lambda file: sparse(file, faulty))
            self.refused("/features/" + faulty, "never written")

    def test_virtual_datasets(self):
        parts = [self.folder / "part0.h5", self.folder / "part1.h5"]

        def write_parts():
            for part, rows in zip(parts, (slice(0, 120), slice(120, 200))):
                with h5py.File(part, "w") as file:
                    file["x"] = self.rows.features[rows]

        def virtual(file, n_sources=2):
            layout = h5py.VirtualLayout(self.rows.features.shape, "u1")
            for part, rows in list(zip(parts, (slice(0, 120), slice(120, 200))))[:n_sources]:
                layout[rows] = h5py.VirtualSource(part.name, "x", (rows.stop - rows.start, 35))
            file.create_virtual_dataset("features", layout)

        write_parts()
        self.write(features=virtual, libver="latest")
        self.accepted()
        parts[1].unlink()
        self.refused("/features", "part1.h5", "missing")
        with h5py.File(parts[1], "w") as file:
            file["y"] = self.rows.features
        self.refused("/features", "part1.h5", "no such dataset")
        with h5py.File(parts[1], "w") as file:
            file["x"] = self.rows.features[:60]
        self.refused("/features", "part1.h5", "another size")
        with h5py.File(parts[1], "w") as file:
            file.create_dataset("x", (80, 35), "u1")
        self.refused("/features", "part1.h5", "never written")
        write_parts()
        self.write(features=lambda file: virtual(file, 1), libver="latest")
        self.refused("/features", "4200 of its 7000", "mapped")

        def overlapping(file):
            layout = h5py.VirtualLayout(self.rows.features.shape, "u1")
            for first in (0, 70):
                layout[first:first + 120] = h5py.VirtualSource(parts[0].name, "x", (120, 35))
            file.create_virtual_dataset("features", layout)
        self.write(features=overlapping, libver="latest")
        self.refused("/features", "6650 of its 7000", "mapped")

    def test_external_files(self):
        raw = self.folder / "raw.bin"
        self.write(features=lambda file: file.create_dataset("features", (200, 35), "u1",
                                                             external=[(str(raw), 0, h5py.h5f.UNLIMITED)]))
        raw.write_bytes(self.rows.features.tobytes())
        self.accepted()
        raw.write_bytes(self.rows.features.tobytes()[:-1])
        self.refused("/features", str(raw), "6999 bytes, not 7000", "truncated")
        raw.unlink()
        self.refused("/features", str(raw), "No such file")

    def test_links_that_lead_nowhere(self):
        for link in (h5py.ExternalLink("other.h5", "/x"), h5py.SoftLink("/x")):
            self.write(features=None, link=lambda file: file.__setitem__("features", link))
            self.refused("/features", "link")

    def test_incomplete_files(self):
        def mark(file, **attributes):
            file.attrs.update(attributes)
        for attributes in ({"format": "meha rows 1", "complete": 0}, {"complete": 0}, {"format": "meha rows 1"}):
            self.write(mark=lambda file: mark(file, **attributes))
            self.refused("incomplete", "interrupted")
        self.write(mark=lambda file: mark(file, format="meha rows 1", complete=1))
        self.accepted()

    def test_missing_filters(self):
        for name, number, options in (("lzf", 32000, ()), ):
            self.write(features=lambda file: file.create_dataset("features", data=self.rows.features, chunks=(50, 35),
                                                                 compression=name))
            self.refused("/features", f"filter {name} ({number})", "h5repack -f GZIP=4")
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((50, 35))
        plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        with h5py.File(self.path, "w") as file:
            file["labels"] = self.rows.labels
            h5py.h5d.create(file.id, b"features", h5py.h5t.STD_U8LE, h5py.h5s.create_simple((200, 35)), plist)
        self.refused("/features", "blosc (32001)")

    def test_files_that_were_not_closed(self):
        self.write(libver="latest")
        data = bytearray(self.path.read_bytes())
        self.assertEqual(data[8], 3)
        for flags in (1, 4, 5):
            data[11] = flags
            self.path.write_bytes(data)
            self.refused("not closed", "h5clear -s")

    def test_missing_names_are_listed(self):
        self.write(features=None, X=self.rows.features)
        self.refused("/features: no such dataset", "/X (200 × 35 of uint8)", "/labels (200 of int64)", "file.move")
        self.write(labels=None, group=lambda file: file.__setitem__("a/y", self.rows.labels))
        self.refused("/labels: no such dataset", "/a/y (200 of int64)")

    # ---- labels in other forms ----

    def test_labels_in_other_forms_have_the_same_bits(self):
        self.write()
        expected = self.state()[0]
        names = np.array(["ant", "bee", "cat", "dög"])[self.rows.labels]
        for labels in (self.rows.labels.reshape(-1, 1), np.eye(4, dtype="u1")[self.rows.labels],
                       np.eye(4, dtype="f4")[self.rows.labels], names.astype(object),
                       np.char.encode(names, "utf-8"), names.astype(object).reshape(-1, 1)):
            self.write(labels=labels)
            self.assertEqual(self.state()[0], expected, labels[:3])
        self.accepted()
        ended = support.run("data", "info", self.path)
        self.assertIn("dög", ended.out)

    def test_npy_labels_in_other_forms_have_the_same_bits(self):
        features, labels = self.folder / "x.npy", self.folder / "y.npy"
        np.save(features, self.rows.features)
        config = self.config(problem__data__format="npy", problem__data__train_features=str(features),
                             problem__data__train_labels=str(labels))
        names = np.array(["ant", "bee", "cat", "dög"])[self.rows.labels]
        expected = None
        for values in (self.rows.labels, self.rows.labels.reshape(-1, 1), np.eye(4)[self.rows.labels], names,
                       np.char.encode(names, "utf-8"), np.asfortranarray(self.rows.labels.reshape(-1, 1))):
            np.save(labels, values)
            state = self.state(config)[0]
            expected = expected or state
            self.assertEqual(state, expected, values[:3])
        for values, said in ((names.astype(object), "Python objects"), (self.rows.labels.astype(">i8"), "big-endian"),
                             (self.rows.labels[:0], "empty"), (np.ones((200, 4)), "exactly one 1"),
                             (self.rows.labels + 0.5, "integers")):
            np.save(labels, values)
            for ranks in (1, 2):
                ended = support.run("run", config, "--out", self.folder / "out", ranks=ranks)
                self.assertEqual(ended.code, 3, ended)
                self.assertIn(said, ended.err)
                self.assertIn(str(labels), ended.err)

    def test_one_hot_labels_have_exactly_one_1(self):
        for row, column in ((7, 0), (7, 3)):
            labels = np.eye(4, dtype="u1")[self.rows.labels]
            labels[row] = 0
            labels[row, column:column + 2] = 1 if column == 0 else 2
            self.write(labels=labels)
            self.refused("/labels", "row 7", "exactly one 1")

    def test_names_of_validation_files_may_be_fewer(self):
        names = np.array(["ant", "bee", "cat", "dog"], object)
        validation = self.folder / "validation.h5"
        few = self.rows.labels[:60] % 2 * 2  # ant, cat
        with h5py.File(validation, "w") as file:
            file["features"], file["labels"] = self.rows.features[:60], few
        self.write()
        config = self.config(problem__data__validation_features=str(validation))
        expected = self.state(config)[0]
        self.write(labels=names[self.rows.labels])
        with h5py.File(validation, "a") as file:
            del file["labels"]
            file["labels"] = names[few]
        self.assertEqual(self.state(config)[0], expected)
        ended = support.run("data", "import", "--format", "hdf5", validation, "--out", self.folder / "v.h5",
                            "--class-names", "ant,bee,cat,dog")
        self.assertEqual(ended.code, 0, ended)
        with h5py.File(self.folder / "v.h5") as file:
            np.testing.assert_array_equal(file["labels"], few)
        ended = support.run("data", "import", "--format", "hdf5", validation, "--out", self.folder / "w.h5",
                            "--class-names", "ant,bee")
        self.assertEqual(ended.code, 3)
        self.assertIn('"cat" is not among the class names', ended.err)

    def test_names_of_rows_are_no_ids(self):
        self.write(ids=np.array([f"row{i}" for i in range(200)], object))
        self.refused("/ids must hold integers", "200 of strings", "file.move")

    def test_class_names_of_fixed_length_and_as_attributes(self):
        names = [b"ant", b"bee", b"cat", b"dog"]
        for changes in ({"class_names": np.array(names)}, {"names": lambda file: file.attrs.update(class_names=np.array(names))},
                        {"names": lambda file: file["labels"].attrs.update(class_names=["ant", "bee", "cat", "dog"])}):
            self.write(**changes)
            self.assertIn("dog", support.run("data", "info", self.path).out)
            self.accepted()

    def test_truth_values_are_numbers(self):
        self.write(features=self.rows.features > 128)
        self.assertIn("float32", support.run("data", "info", self.path).out)
        self.accepted()

    def test_indicators_in_uint8_are_told(self):
        self.write(features=(self.rows.features > 128).astype("u1"))
        for text in (support.run("data", "info", self.path).out, self.state()[1].out + self.state()[1].err):
            self.assertIn("0 or 1 in uint8", text)
            self.assertIn('astype("float32")', text)
        self.write()
        self.assertNotIn("0 or 1", support.run("data", "info", self.path).out + self.state()[1].out)


if __name__ == "__main__":
    support.main()
