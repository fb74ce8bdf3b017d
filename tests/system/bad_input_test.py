# SPDX-License-Identifier: MIT
"""Bad input ends within seconds, with its own exit code and one clear line that names the thing and the value."""
import concurrent.futures
import gzip
import os
import pathlib
import shutil
import subprocess
import time
import unittest

import h5py
import numpy as np

import support

CONFIG, DATA, NOT_FINITE, CHECKPOINT = 2, 3, 4, 5
ENDS_WITHIN_S = 60


class BadInputTest(support.Case):
    """Refusals are collected by a test and tried at its end, a few at a time: most of their time is MPI's start."""

    def setUp(self):
        super().setUp()
        self.out = self.folder / "run"
        self.tries = []

    def tearDown(self):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            problems = [p for p in pool.map(lambda one: self.problem_of(*one), self.tries) if p]
        self.assertEqual(problems, [], "\n" + "\n".join(problems))
        for out in (self.out, *self.folder.glob("*-run")):
            self.assertEqual(support.state_files(out), [])

    def problem_of(self, code, named, arguments, ranks):
        """@return what is wrong with this refusal, or nothing"""
        began = time.monotonic()
        ended = support.run(*arguments, ranks=ranks, timeout_s=3 * ENDS_WITHIN_S)
        said = [line for line in ended.err.splitlines() if line.startswith("meha: ")]
        missing = [word for word in named if word not in "".join(said)]
        wrong = (f"exit {ended.code} instead of {code}" if ended.code != code else
                 f"{len(said)} lines" if len(said) != 1 else f"does not say {missing}" if missing else
                 "says more" if ranks == 1 and ended.err.strip() != said[0] else
                 "took too long" if time.monotonic() - began > ENDS_WITHIN_S else "")
        return wrong and f"{wrong}: meha {' '.join(map(str, arguments))} on {ranks} ranks:\n{ended.err}"

    def refused(self, code, named, arguments, ranks=(1, 3)):
        self.tries += [(code, named, arguments, n) for n in ranks]

    def own_config(self, **settings):
        return self.config(f"{len(self.tries)}-config", **settings)

    def refused_config(self, named, code=CONFIG, ranks=(1,), out=None, **settings):
        config = self.own_config(**settings)
        for n in ranks:
            self.refused(code, named, ["run", config, "--out", out or self.folder / f"{len(self.tries)}-run"], (n,))

    def refused_setting(self, setting, named, code=CONFIG, ranks=(1,)):
        self.refused(code, named, ["run", self.own_config(), "--set", setting, "--out", self.out], ranks)

    # ---- config ----

    def test_unknown_keys(self):
        for wrong, nearest in (("run.sed", "run.seed"), ("run.iteration", "run.iterations"), ("algorithm.optimiser_x", "algorithm.optimizer_x"),
                               ("problem.data.n_tain", "problem.data.n_train"), ("algorithm.penalty.q", "algorithm.penalty.p"),
                               ("checkpont.every", "checkpoint.every"), ("gamma", "algorithm.gamma")):
            self.refused_config(["config.toml:", wrong.removesuffix(".every"), "unknown key", nearest], **{wrong.replace(".", "__"): 1})

    def test_unknown_key_on_three_ranks(self):
        self.refused_config(["run.sed", "run.seed"], ranks=(1, 3), run__sed=1)

    def test_values_out_of_range(self):
        for name, value, shown, rule in (
                ("algorithm.gamma", -1, "-1", "must be > 0"), ("algorithm.gamma", 0.0, "0", "must be > 0"),
                ("algorithm.penalty.p", 0.5, "0.5", "< 0.5"), ("algorithm.penalty.c", 0, "0", "must be > 0"),
                ("algorithm.momentum", 1.0, "1", "< 1"), ("algorithm.adam.epsilon", 0.0, "0", "> 0"),
                ("algorithm.alpha", -0.1, "-0.1", ">= 0"), ("run.iterations", -3, "-3", ">= 0"), ("run.seed", -1, "-1", ">= 0"),
                ("run.seed", 2**32, "4294967296", "2^32"), ("run.block_rows", 0, "0", ">= 1"), ("run.report_every", 0, "0", ">= 1"),
                ("checkpoint.keep", 1, "1", ">= 2"), ("problem.noise.rate", 1.0, "1", "< 1"), ("problem.regularisation", -1.0, "-1", ">= 0"),
                ("run.precision", "float16", "float16", "auto|float32|float64"), ("algorithm.optimizer_x", "adagrad", "adagrad", "sgd|"),
                ("comm.placement", "both", "both", "sharded|root"), ("problem.noise.kind", "some", "some", "uniform"),
                ("problem.model", "cubic", "cubic", "linear"), ("problem.hidden", [3, 0], "0", ">= 1"), ("problem.activation", "swish", "swish", "relu"), ("problem.data.format", "csv9", "csv9", "idx"), ("run.simd", "mmx", "mmx", "avx2")):
            self.refused_config([name, shown, rule], **{name.replace(".", "__"): value})

    def test_bfloat16_where_there_is_none(self):
        for level in ("baseline", "avx2"):
            self.refused_config(['run.precision = "bfloat16"', "BF16", "float32"], ranks=(1, 3), run__precision="bfloat16", run__simd=level)

    def test_int16_of_rows_that_are_not_bytes(self):
        np.save(self.folder / "rows.npy", np.random.default_rng(1).random((30, 4), np.float32))
        np.save(self.folder / "labels.npy", np.arange(30) % 3)
        others = [key for key in self.base if key.startswith("problem.data.")]
        self.refused_config(['run.precision = "int16"', "bytes", "uint8", "float32"], ranks=(1, 2), without=others, run__precision="int16",
                            problem__data__format="npy", problem__data__train_features=self.folder / "rows.npy",
                            problem__data__train_labels=self.folder / "labels.npy", problem__data__n_train=20, problem__data__n_validation=10)

    def test_values_of_the_wrong_kind(self):
        for name, value, rule in (("run.iterations", 2.5, "whole number"), ("run.iterations", "many", "whole number"),
                                  ("run.iterations", True, "whole number"), ("algorithm.gamma", "big", "number"),
                                  ("algorithm.gamma", False, "number"), ("problem.refit", 1, "true or false"), ("problem.data.shuffle", "no", "true or false"),
                                  ("run.precision", 32, "string"), ("problem.data.train_features", 7, "string"),
                                  ("problem.hidden", 300, "list of whole numbers"), ("problem.hidden", [1.5], "whole number"),
                                  ("problem.data.class_names", "a", "list of strings"), ("problem.data.class_names", ["a", 1], "list of strings"),
                                  ("algorithm.alpha", "fast", "number"), ("algorithm.alpha", [1.0], "number"), ("algorithm.alpha", {"b": 1.0}, "needs a"),
                                  ("algorithm.alpha", {"a": 1.0, "c": 2.0}, "unknown key"), ("algorithm.alpha", {"a": 1.0, "b": 0.0}, "b must be > 0"),
                                  ("algorithm.alpha", {"per_row": 1.0, "b": 1.0}, "unknown key"), ("algorithm.alpha", {"per_row": -1.0}, ">= 0"),
                                  ("run", 3, "must be a table")):
            without = [key for key in self.base if name == "run" and key.startswith("run.")]
            self.refused_config([name, rule], without=without, **{name.replace(".", "__"): value})

    def test_not_finite_numbers(self):
        for word in ("inf", "nan", "-inf", "1e999"):
            for name in ("algorithm.gamma", "algorithm.beta", "run.time_limit_s"):
                self.refused_setting(f"{name}={word}", [name])

    def test_bad_settings(self):
        self.refused_setting("run.iterations", ["--set run.iterations", "run.seed=1"])
        self.refused_setting("=3", ["--set =3"])
        self.refused_setting("run.iterations=", ["run.iterations", "whole number"])
        self.refused_setting("run..iterations=3", ["run..iterations"])
        self.refused_setting("run.iterations=-1", ["--set", "run.iterations", "-1"], ranks=(1, 3))
        self.refused_setting("run.sed=1", ["--set", "run.sed", "run.seed"])
        self.refused_setting("run=1", ["run", "must be a table"])
        self.refused_setting("run.precision=double", ["run.precision", "double"])

    def test_unreadable_configs(self):
        self.refused(CONFIG, ["nowhere.toml", "no such file"], ["run", self.folder / "nowhere.toml", "--out", self.out])
        self.refused(CONFIG, [str(self.folder), "no such file"], ["run", self.folder, "--out", self.out], ranks=(1,))
        for n, text in enumerate(("[run\n", "[run]\nseed = 1\nseed = 2\n", "run.seed 3\n", "\0\1\2", "[run]\nname = \"\xff\n")):
            path = self.folder / f"torn-{n}.toml"
            path.write_bytes(text.encode("latin-1"))
            self.refused(CONFIG, [f"{path}:"], ["run", path, "--out", self.out], ranks=(1,))

    def test_a_config_that_is_a_pipe(self):
        path = self.folder / "pipe.toml"
        os.mkfifo(path)
        self.refused(CONFIG, [f"{path}: not a regular file"], ["run", path, "--out", self.out])
        self.refused(CONFIG, [f"{path}: not a regular file"], ["check", path], ranks=(1,))

    def test_keys_of_many_parts(self):
        deep = "a." * 50000 + "b"
        for n, text in enumerate((f"{deep} = 1", f"[{deep}]", f"[[{deep}]]", f'run = {{"a" . {deep} = 1}}', f"x = 1 # '\n{deep} = 1")):
            path = self.folder / f"deep-{n}.toml"
            path.write_text(f"# a comment.\n{text}\n")
            self.refused(CONFIG, [f"{path}:{2 + text.count(chr(10))}: a key of more than 32 parts"], ["run", path, "--out", self.out], ranks=(1,))
        self.refused_setting(f"{deep}=1", ["--set", "a key of more than 32 parts"])
        dots = "." * 100
        self.refused_config([dots, "No such file"], DATA, problem__data__train_features=dots)

    def test_a_folder_that_is_not_utf8(self):
        folder = pathlib.Path(os.fsdecode(os.fsencode(self.folder) + b"/f\xfcr"))
        folder.mkdir()
        config = folder / "config.toml"
        config.write_text(support.toml_text(self.base | {"problem.data.train_features": "train.gz"}))
        self.refused(CONFIG, ["problem.data.train_features", "not UTF-8"], ["run", config, "--out", self.out])
        named = pathlib.Path(os.fsdecode(os.fsencode(self.folder) + b"/f\xfcr.toml"))
        named.write_text(support.toml_text(self.base))
        self.refused(CONFIG, ["run.name", "not UTF-8"], ["run", named, "--out", self.out], ranks=(1,))

    def test_unknown_names(self):
        self.refused_config(["problem.type", "regression", "hyper_cleaning"], problem__type="regression", ranks=(1, 3))
        self.refused_config(["algorithm.name", "adam", "meha"], algorithm__name="adam", ranks=(1, 3))
        self.refused_config(["problem.type"], without=["problem.type"])

    def test_command_line(self):
        for arguments in (["walk"], ["run"], [], ["run", self.config(), "--sett", "a=b"], ["export", self.out, "--what", "all"],
                          ["export", self.out], ["resume"], ["list", "everything"], ["run", self.config(), "more"]):
            for ranks in (1, 3):
                with self.subTest(arguments=list(map(str, arguments)), ranks=ranks):
                    ended = support.run(*arguments, ranks=ranks, timeout_s=ENDS_WITHIN_S, cwd=self.folder)
                    self.assertEqual(ended.code, CONFIG, ended.err)
                    self.assertEqual(support.state_files(self.out), [])
        self.assertIn("walk: no such verb", support.run("walk").err)
        self.assertIn("nearest is resume", support.run("resum").err)
        self.assertIn("nearest to --trustd is --trusted", support.run("clean", "a.csv", "--trustd=b.csv").err)
        self.assertIn("meha clean TABLE", support.run().err)

    def test_no_such_run(self):
        for verb, more in (("resume", []), ("inspect", []), ("export", ["--what", "model"])):
            self.refused(CONFIG, [str(self.out)], [verb, self.out, *more], ranks=(1,))

    def test_verbs_for_one_rank(self):
        self.refused(CONFIG, ["one rank"], ["check", self.config()], ranks=(3,))

    # ---- data ----

    def test_missing_files(self):
        for key in ("train_features", "train_labels", "validation_features", "test_labels"):
            self.refused_config([str(self.folder / "missing.gz"), "No such file"], DATA, ranks=(1, 3) if key == "train_labels" else (1,),
                                **{f"problem__data__{key}": str(self.folder / "missing.gz")})

    def test_files_not_given(self):
        self.refused_config(["problem.data.train_features"], without=["problem.data.train_features"], ranks=(1, 3))
        self.refused_config(["problem.data.train_labels"], without=["problem.data.train_labels"])
        self.refused_config(["problem.data.validation_labels"], without=["problem.data.validation_labels"])
        self.refused_config(["problem.data.n_validation"], without=["problem.data.validation_features", "problem.data.validation_labels"])

    def test_swapped_files(self):
        self.refused_config(["train-labels", "magic number 0x00000801", "swapped"], DATA, ranks=(1, 3),
                            problem__data__train_features=self.base["problem.data.train_labels"],
                            problem__data__train_labels=self.base["problem.data.train_features"])

    def bad_file(self, name, data, named, key="train_features", code=DATA, **settings):
        path = self.folder / name
        path.write_bytes(data)
        self.refused_config([str(path), *named], code, **{f"problem__data__{key}": str(path)}, **settings)

    def test_damaged_idx(self):
        whole = support.idx_bytes(self.train.features.reshape(self.n_train, 1, -1))
        packed = gzip.compress(whole)
        self.bad_file("empty", b"", ["magic number"])
        self.bad_file("three-bytes", whole[:3], ["magic number", "truncated"])
        self.bad_file("header", whole[:9], ["header", "truncated"])
        self.bad_file("values", whole[:-1], ["values", "truncated"], ranks=(1, 3))
        self.bad_file("packed.gz", packed[:len(packed) // 2], ["truncated"])
        self.bad_file("crc.gz", packed[:-8] + b"12345678", ["crc.gz"])
        self.bad_file("longer", whole + b"x", ["longer"])
        self.bad_file("floats", bytes([0, 0, 13, 3]) + whole[4:], ["magic number 0x00000d03"])
        self.bad_file("text", b"label,feature\n1,2\n", ["magic number 0x6c616265"])
        self.bad_file("huge", bytes([0, 0, 8, 3]) + b"\x7f\xff\xff\xff" * 3 + b"x" * 50, ["dimension"])
        self.bad_file("no-rows", bytes([0, 0, 8, 3]) + bytes(4) + whole[8:16], ["dimension 0 = 0"])
        self.bad_file("labels", support.idx_bytes(self.train.labels[:-1]), ["199", "200"], key="train_labels")

    def test_a_folder_as_data(self):
        self.refused_config([str(self.folder)], DATA, problem__data__train_features=str(self.folder))

    def test_too_few_rows(self):
        self.refused_config(["problem.data.n_train = 201", "200"], DATA, ranks=(1, 3), problem__data__n_train=201)
        self.refused_config(["problem.data.n_validation = 91", "90"], DATA, problem__data__n_validation=91)
        self.refused_config(["problem.data.n_test = 61", "60"], DATA, problem__data__n_test=61)
        split = ["problem.data.validation_features", "problem.data.validation_labels"]
        self.refused_config(["problem.data.n_validation = 101", "100"], DATA, without=split, problem__data__n_train=100, problem__data__n_validation=101)
        self.refused_config(["problem.data.n_validation = 200"], DATA, without=split, problem__data__n_validation=200)

    def test_too_few_class_names(self):
        self.refused_config(["label = 3", "3 class names"], DATA, ranks=(1, 3), problem__data__class_names=["a", "b", "c"])

    def test_one_class_with_noise(self):
        self.train.labels[:] = 0
        self.validation.labels[:] = 0
        self.test.labels[:] = 0
        for part in ("train", "validation", "test"):
            support.write_rows_idx(self.folder, part, getattr(self, part))
        self.refused_config(["problem.loss", "is an option of problem.type = \"regularisation\""], problem__loss="squared", ranks=(1, 3))
        self.refused_config(["all 200 training rows", "one class"], DATA, problem__noise__kind="uniform", problem__noise__rate=0.3)

    def test_other_width(self):
        narrow = support.make_rows(30, n_features=34)
        keys = support.write_rows_idx(self.folder, "narrow", narrow)
        self.refused_config(["narrow", "34", "35"], DATA, problem__data__test_features=keys["problem.data.narrow_features"],
                            problem__data__test_labels=keys["problem.data.narrow_labels"])

    def refused_hdf5(self, named, code=DATA, **datasets):
        path = self.folder / f"{len(self.tries)}-train.h5"
        with h5py.File(path, "w") as file:
            for name, values in datasets.items():
                file[name] = values
        self.refused_config(named, code, without=[key for key in self.base if key.startswith("problem.data.") and key != "problem.data.shuffle"],
                            problem__data__format="hdf5", problem__data__train_features=str(path), problem__data__n_validation=20)

    def test_bad_hdf5(self):
        good = self.train.features.astype(np.float32)
        labels = self.train.labels.astype(np.int32)
        self.refused_hdf5(["train.h5", "/labels"], features=good)
        self.refused_hdf5(["train.h5", "/features"], labels=labels)
        self.refused_hdf5(["/labels", "200 rows"], features=good, labels=labels[:-1])
        self.refused_hdf5(["/labels", "integers"], features=good, labels=labels.astype(float))
        self.refused_hdf5(["/labels of row 7 = -1"], features=good, labels=np.where(np.arange(200) == 7, -1, labels))
        self.refused_hdf5(["/features", "two or more dimensions"], features=good[:, 0], labels=labels)
        self.refused_hdf5(["/features is empty"], features=good[:0], labels=labels[:0])
        self.refused_hdf5(["/features must hold numbers"], features=np.full((200, 3), b"a"), labels=labels)
        self.refused_hdf5(["/truth"], features=good, labels=labels, truth=labels[:5])
        broken = good.copy()
        broken[5, 9] = np.nan
        self.refused_hdf5(["feature 9 of row 5", "finite"], features=broken, labels=labels)
        (self.folder / "text.h5").write_text("no HDF5\n")
        self.refused_config(["text.h5"], DATA, problem__data__format="hdf5", problem__data__train_features=str(self.folder / "text.h5"))

    def test_hdf5_that_its_library_does_not_survive(self):
        path = self.folder / "train.h5"
        with h5py.File(path, "w") as file:
            file["features"], file["labels"] = self.train.features, self.train.labels
            file.attrs["format"] = "meha rows 1"
        damaged = bytearray(path.read_bytes())
        heap = damaged.index(b"GCOL") + 16
        damaged[heap:heap + 16] = bytes(16)  # a piece without length: HDF5 1.10 looks for the next one for ever
        path.write_bytes(damaged)
        self.refused_config(["train.h5: damaged", "HDF5 library"], DATA, ranks=(3,),
                            without=[key for key in self.base if key.startswith("problem.data.")],
                            problem__data__format="hdf5", problem__data__train_features=str(path), problem__data__n_validation=20)

    def test_a_model_that_no_machine_can_hold(self):
        path = self.folder / "train.svm"
        path.write_text("".join(f"{i} 1:1\n" for i in range(900)) + "0 268435456:1\n")
        self.refused_config(["268435456 features", "900 classes", "MiB", "index"], DATA, ranks=(1, 3),
                            without=[key for key in self.base if key.startswith("problem.data.")],
                            problem__type="regularisation", problem__data__format="libsvm", problem__data__train_features=str(path),
                            problem__data__n_validation=20)

    # ---- places ----

    def test_out_is_a_file(self):
        self.out.write_text("")
        self.refused_config([str(self.out)], CHECKPOINT, ranks=(1, 3), out=self.out)
        inside = self.out / "deeper"
        self.refused(CHECKPOINT, [str(inside)], ["run", self.config(), "--out", inside])

    def test_files_that_cannot_be_written(self):
        for name in ("config.toml.part", "metrics.jsonl.part", "metrics.jsonl", "run.lock", "checkpoint-00000020.h5.part", "result.h5.part"):
            for ranks in (1, 3):
                with self.subTest(file=name, ranks=ranks):
                    out = self.folder / f"blocked-{name}-{ranks}"
                    (out / name).mkdir(parents=True)
                    ended = support.run("run", self.config(), "--out", out, ranks=ranks, timeout_s=ENDS_WITHIN_S)
                    self.assertEqual(ended.code, CHECKPOINT, ended.err)
                    said = [line for line in ended.err.splitlines() if line.startswith("meha: ")]
                    self.assertEqual(len(said), 1, ended.err)
                    self.assertIn(name, said[0])

    def test_files_that_a_run_can_do_without(self):
        whole = self.run_ok("whole")
        for name in ("run.log", "checkpoint-00000005.h5.part", "checkpoint-00000010.h5.part"):
            for ranks in (1, 3):
                with self.subTest(file=name, ranks=ranks):
                    out = self.folder / f"blocked-{name}-{ranks}"
                    (out / name).mkdir(parents=True)
                    ended = support.run("run", self.config(), "--out", out, ranks=ranks, timeout_s=ENDS_WITHIN_S)
                    self.assertEqual(ended.code, 0, ended.err)
                    said = ended.err.splitlines()
                    self.assertEqual(len(said), 1, ended.err)
                    self.assertIn(name, said[0])
                    self.assertIn("warning: ", said[0])
                    self.assert_same_state(whole, out)

    def test_paths_that_the_system_refuses(self):
        loop = self.folder / "loop"
        loop.symlink_to(loop)
        for path, why in ((self.folder / ("x" * 300), "File name too long"), (loop, "Too many levels of symbolic links")):
            for verb in (["resume"], ["inspect"], ["verify"], ["export", "--what", "history"], ["check", "--solution"]):
                self.refused(CHECKPOINT, [f"{path}", why], [*verb, path], ranks=(1, 3) if verb == ["resume"] else (1,))
            self.refused(CONFIG, [f"{path}: cannot be opened: {why}"], ["run", path, "--out", self.out], ranks=(1,))
            for verb in ("info", "verify"):
                self.refused(DATA, [f"{path}: cannot be opened: {why}"], ["data", verb, path], ranks=(1,))
            self.refused(DATA, [f"{path}: cannot be opened: {why}"], ["data", "corrupt", path, self.folder / "new.h5", "--kind", "uniform", "--rate", 0], ranks=(1,))
            self.refused(CHECKPOINT, [f"{path}: cannot be opened: {why}"], ["data", "synthetic", path, "--rows", 5], ranks=(1,))

    @unittest.skipIf(os.geteuid() != 0, "only root may become another user")
    def test_a_folder_of_another_user(self):
        run = self.run_ok("run", run__iterations=1)
        self.assertTrue((run / "config.toml").exists())
        self.folder.chmod(0o711)
        run.chmod(0o700)
        for verb in (["resume"], ["inspect"], ["verify"], ["export", "--what", "history"], ["check", "--solution"]):
            with self.subTest(verb=verb):
                ended = subprocess.run([support.program, *verb, run], capture_output=True, text=True, timeout=ENDS_WITHIN_S, check=False,
                                       env=support.environment(), user=65534, group=65534, cwd="/")
                self.assertEqual(ended.returncode, CHECKPOINT, ended.stderr)
                self.assertEqual(len(ended.stderr.splitlines()), 1, ended.stderr)
                self.assertIn("Permission denied", ended.stderr)
        shutil.rmtree(run)

    def test_a_config_of_a_run_that_cannot_be_read(self):
        run = self.run_ok("kept", run__iterations=1)
        (run / "config.toml").unlink()
        (run / "config.toml").mkdir()
        for verb in (["resume"], ["inspect"], ["inspect", "--json"], ["export", "--what", "history"], ["check", "--solution"]):
            with self.subTest(verb=verb):
                ended = support.run(*verb, run)
                self.assertEqual((ended.code, ended.out), (CHECKPOINT, ""), ended.err)
                self.assertIn("config.toml: no such file: it is a folder", ended.err)
        self.assertEqual(support.run("verify", run).code, CHECKPOINT)

    def test_output_that_cannot_be_written(self):
        run = self.run_ok("kept", run__iterations=1)
        for arguments in (["inspect", run], ["inspect", "--json", run], ["verify", run], ["list"], ["plan", self.config()],
                          ["check", "--solution", run], ["export", run, "--what", "history"]):
            with self.subTest(arguments=list(map(str, arguments))), open("/dev/full", "w", encoding="ascii") as full:
                ended = subprocess.run(support.command(arguments), stdout=full, stderr=subprocess.PIPE, text=True, timeout=ENDS_WITHIN_S,
                                       env=support.environment(), check=False)
                self.assertEqual(ended.returncode, CHECKPOINT, ended.stderr)
                self.assertEqual(ended.stderr.count("meha: standard output cannot be written"), 1, ended.stderr)
        ended = subprocess.run(f"{support.program} list | head -1", shell=True, capture_output=True, text=True, check=False)
        self.assertEqual(ended.stderr, "")

    def test_out_is_not_writable(self):
        for place in ("/proc/run", "/sys/run"):
            self.refused(CHECKPOINT, [place], ["run", self.config(), "--out", place])

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_out_without_permission(self):
        self.out.mkdir(mode=0o500)
        self.refused_config([str(self.out)], CHECKPOINT, out=self.out)

    def test_default_out_is_below_the_current_folder(self):
        ended = support.run("run", self.config("named"), cwd=self.folder)
        self.assertEqual(ended.code, 0, ended.err)
        self.assertTrue((self.folder / "runs" / "named" / "result.h5").exists())

    def test_bad_initial_state(self):
        self.refused_config(["none.h5"], CHECKPOINT, ranks=(1, 3), run__initial_state=str(self.folder / "none.h5"))
        with h5py.File(self.folder / "short.h5", "w") as file:
            file["state/x"] = np.zeros(199)
            file["state/y"] = np.zeros(4 * 36)
            file["state/theta"] = np.zeros(4 * 36)
        self.refused_config(["short.h5", "/state/x", "200"], CHECKPOINT, ranks=(1, 3), run__initial_state=str(self.folder / "short.h5"))

    # ---- numbers ----

    def test_diverging_steps(self):
        huge = {"algorithm__alpha": 1e30, "algorithm__beta": 1e30, "algorithm__eta": 1e30, "algorithm__optimizer_x": "sgd"}
        slow = {"algorithm__beta": 60.0, "algorithm__eta": 60.0, "algorithm__gamma": 0.01, "checkpoint__every": 1}
        for name, settings in (("huge", huge), ("slow", slow)):
            for ranks in (1, 3):
                with self.subTest(steps=name, ranks=ranks):
                    out = self.folder / f"{name}-{ranks}"
                    ended = support.run("run", self.config(**settings, run__iterations=2000), "--out", out, ranks=ranks, timeout_s=ENDS_WITHIN_S)
                    self.assertEqual(ended.code, NOT_FINITE, ended.err)
                    self.assertIn("algorithm.alpha", ended.out + ended.err)
                    for path in support.state_files(out):
                        for field, values in support.read_state(path).items():
                            self.assertTrue(np.isfinite(values).all(), f"{path.name} {field}")
                    self.assertTrue(all(np.isfinite(v) for line in support.read_metrics(out) for v in line.values()))
                    self.assertEqual(support.read_attribute(out / "result.h5", "status"), "not_finite")

    def test_what_diverges_is_named(self):
        config = support.source / "configs" / "strongly_convex.toml"
        for name, variable in (("alpha", "x"), ("beta", "y"), ("eta", "theta")):
            for ranks in (1, 3):
                with self.subTest(step=name, ranks=ranks):
                    ended = support.run("run", config, "--out", self.folder / f"{name}-{ranks}", "--set", f"algorithm.{name}=50.0",
                                        ranks=ranks, timeout_s=ENDS_WITHIN_S)
                    self.assertEqual(ended.code, NOT_FINITE, ended.err)
                    self.assertRegex(ended.err, rf"iteration \d+: .*{variable} has grown most .*: lower algorithm.{name} in a new run")


if __name__ == "__main__":
    support.main()
