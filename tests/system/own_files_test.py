#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A person's files stay, results stay with their data, and two commands do not write one file."""
import os
import shutil
import signal
import time

import h5py

import support

CONFIG, DATA, CHECKPOINT = 2, 3, 5


class OwnFiles(support.Case):
    n_train, n_validation, n_test = 300, 80, 80

    def refused(self, code, *said, ranks=(1,), **more):
        """@param more  arguments: what to run"""
        for n in ranks:
            ended = support.run(*more["arguments"], ranks=n)
            self.assertEqual(ended.code, code, ended)
            for word in said:
                self.assertIn(str(word), ended.err)

    def run_arguments(self, out, **changes):
        return ("run", self.config("run", **changes), "--out", out)

    # ---- run directories ----

    def test_a_persons_config_stays(self):
        folder = self.folder / "exp"
        folder.mkdir()
        mine = folder / "config.toml"
        shutil.copy(self.config(), mine)
        before = mine.read_bytes()
        self.refused(CHECKPOINT, mine, "--out", ranks=(1, 2), arguments=("run", mine, "--out", folder))
        self.assertEqual(mine.read_bytes(), before)
        self.assertEqual([path.name for path in folder.iterdir()], ["config.toml"])

    def test_a_persons_results_stay(self):
        for name in ("result.h5", "metrics.jsonl", "latest.h5", "run.lock"):
            folder = self.folder / f"mine-{name}"
            folder.mkdir()
            (folder / name).write_text("my own\n")
            self.refused(CHECKPOINT, folder / name, "--out", arguments=self.run_arguments(folder))
            self.assertEqual((folder / name).read_text(), "my own\n")

    def test_other_files_do_not_matter(self):
        folder = self.folder / "mine"
        folder.mkdir()
        (folder / "notes.txt").write_text("my own\n")
        self.ran(*self.run_arguments(folder))
        self.assertEqual((folder / "notes.txt").read_text(), "my own\n")

    def test_a_run_that_was_killed_before_its_first_checkpoint_begins_again(self):
        run = self.run_ok("run")
        whole = self.folder / "whole"
        shutil.copytree(run, whole, symlinks=True)
        for path in (run / "result.h5", run / "latest.h5", *support.checkpoints(run)):
            path.unlink()
        self.ran(*self.run_arguments(run), ranks=2)
        self.assert_same_state(run, whole)

    def test_a_finished_result_is_not_overwritten(self):
        run = self.run_ok("run")
        for path in (run / "latest.h5", *support.checkpoints(run)):
            path.unlink()
        before = (run / "result.h5").read_bytes()
        n = self.base["run.iterations"]
        for ranks in (1, 2):
            ended = support.run(*self.run_arguments(run), ranks=ranks)
            self.assertEqual((ended.code, "finished already" in ended.out), (0, True), ended)
        self.refused(CONFIG, "another config", "run.iterations", arguments=self.run_arguments(run, run__iterations=n + 1))
        config = run / "config.toml"
        config.write_text(config.read_text().replace(f"\niterations = {n}\n", f"\niterations = {n + 1}\n"))
        self.refused(CHECKPOINT, "result.h5", "checkpoints are gone", "--out",
                     arguments=self.run_arguments(run, run__iterations=n + 1))
        self.assertEqual((run / "result.h5").read_bytes(), before)
        (run / "result.h5").write_bytes(before[:-1])
        self.refused(CHECKPOINT, "result.h5", "truncated", arguments=self.run_arguments(run, run__iterations=n + 1))

    # ---- results and their data ----

    def test_results_stay_with_their_data(self):
        run = self.run_ok("run")
        verbs = [("export", run, "--what", "samples", "--out", self.folder / "a.csv"), ("check", "--solution", run)]
        for arguments in verbs:
            self.assertEqual(support.run(*arguments).code, 0)
        labels = self.base["problem.data.train_labels"]
        rows = support.make_rows(self.n_train, seed=1)
        config = run / "config.toml"
        resolved = config.read_text()
        self.write_labels(labels, rows.labels[::-1])
        (self.folder / "a.csv").unlink()
        for arguments in verbs:
            self.refused(DATA, "data_fingerprint", "result.h5", ranks=(1, 2), arguments=arguments)
        self.assertFalse((self.folder / "a.csv").exists())
        self.write_labels(labels, self.train.labels)
        for before, after, code in (("seed = ", "seed = 1", DATA), ("n_holdout = ", "n_holdout = 7", DATA),
                                    ("regularisation = ", "regularisation = 0.123", CONFIG)):
            lines = [after if line.startswith(before) else line for line in resolved.splitlines()]
            config.write_text("\n".join(lines) + "\n")
            self.assertNotEqual(config.read_text(), resolved)
            for arguments in verbs:
                ended = support.run(*arguments)
                self.assertIn(ended.code, (code, CONFIG), ended)
                self.assertIn("result.h5", ended.err)

    def test_an_initial_state_of_other_data_is_told(self):
        run = self.run_ok("run")
        more = {"run__initial_state": str(run / "result.h5"), "run__iterations": 1}
        ended = self.ran(*self.run_arguments(self.folder / "same", **more))
        self.assertNotIn("other data", ended.err)
        ended = self.ran(*self.run_arguments(self.folder / "other", **more, problem__noise__kind="uniform",
                                             problem__noise__rate=0.2))
        self.assertIn("made with other data", ended.err)

    def write_labels(self, path, labels):
        support.write_idx(support.pathlib.Path(path), labels)

    def test_a_file_that_changes_while_it_is_streamed_ends_the_run(self):
        rows = support.make_rows(40000, n_features=100)
        files = support.write_rows_idx(self.folder, "big", rows, suffix="")
        big = self.folder / "big.h5"
        self.ran("data", "import", "--format", "idx", files["problem.data.big_features"], "--labels",
                 files["problem.data.big_labels"], "--out", big)
        for ranks in (1, 2):
            out = self.folder / f"streamed-{ranks}"
            config = self.folder / "streamed.toml"
            config.write_text(support.toml_text({
                "problem.type": "hyper_cleaning", "problem.start": "zero", "problem.data.format": "hdf5",
                "problem.data.train_features": str(big), "problem.data.n_validation": 5000, "problem.data.shuffle": False,
                "problem.data.memory": 1, "problem.model": "linear", "run.iterations": support.ENDLESS,
                "run.report_every": 5}))
            job = support.start("run", config, "--out", out, ranks=ranks)
            try:
                support.wait_for(lambda: job.poll() is not None or
                                 ((out / "metrics.jsonl").exists() and support.read_metrics(out)), what="a report")
                with open(big, "r+b") as file:  # its last byte, in place
                    file.seek(-1, os.SEEK_END)
                    last = file.read(1)
                    file.seek(-1, os.SEEK_END)
                    file.write(last)
                ended = support.finish(job)
            finally:
                support.stop_at_once(job)
            self.assertEqual(ended.code, DATA, ended)
            self.assertIn("was written to while a run reads it", ended.err)
            self.assertIn(str(big), ended.err)

    # ---- files of rows ----

    def import_arguments(self, out, *more):
        return ("data", "import", "--format", "idx", self.base["problem.data.train_features"], "--labels",
                self.base["problem.data.train_labels"], "--out", out, *more)

    def test_a_persons_files_beside_a_file_of_rows_stay(self):
        out = self.folder / "rows.h5"
        folder = self.folder / "rows.h5.rows"
        folder.mkdir()
        (folder / "dealt").write_text("my own\n")
        (folder / "notes").write_text("my own\n")
        new = self.folder / "rows.h5.new"
        lock = self.folder / "rows.h5.lock"
        self.refused(CHECKPOINT, folder, "remove it", arguments=self.import_arguments(out, "--shuffle", 1))
        self.assertEqual((folder / "dealt").read_text(), "my own\n")
        shutil.rmtree(folder)
        new.write_text("my own\n")
        for arguments in (self.import_arguments(out), ("data", "synthetic", out, "--rows", 10)):
            self.refused(CHECKPOINT, new, "remove it", arguments=arguments)
        self.assertEqual(new.read_text(), "my own\n")
        new.unlink()
        lock.write_text("my own\n")
        self.refused(CHECKPOINT, lock, "not of this program", arguments=self.import_arguments(out))
        self.assertEqual(lock.read_text(), "my own\n")
        lock.unlink()
        before = set(self.folder.iterdir())
        self.ran(*self.import_arguments(out, "--shuffle", 1))
        self.assertEqual(set(self.folder.iterdir()) - before, {out})
        before = out.read_bytes()
        self.refused(CONFIG, out, "complete", arguments=self.import_arguments(out))
        self.assertEqual(out.read_bytes(), before)
        self.assertFalse(lock.exists())

    def test_a_failed_command_leaves_no_lock(self):
        out = self.folder / "rows.h5"
        self.refused(DATA, "none", arguments=("data", "import", "--format", "csv", self.folder / "none.csv", "--out", out))
        self.assertEqual([path.name for path in self.folder.glob("rows.h5*")], [])

    def begun(self, arguments, out):
        """Starts a command and stops it when its first rows are there."""
        job = support.start(*arguments)
        support.wait_for(lambda: job.poll() is not None or (out.exists() and out.stat().st_size > 1 << 22), what="rows")
        job.send_signal(signal.SIGSTOP)
        self.assertIsNone(job.poll())
        self.addCleanup(self.end, job)
        return job

    def end(self, job):
        if job.poll() is None:
            support.stop_at_once(job)
            job.communicate()

    def test_two_commands_do_not_write_one_file(self):
        out = self.folder / "rows.h5"
        arguments = ("data", "synthetic", out, "--rows", 1000000, "--features", 64)
        job = self.begun(arguments, out)
        for other in (arguments, self.import_arguments(out), ("data", "corrupt", self.hdf5(), out, "--kind", "uniform", "--rate", 0.1)):
            self.refused(CHECKPOINT, out, "another command", f"pid {job.pid}", arguments=other)
        job.send_signal(signal.SIGCONT)
        self.assertEqual(support.finish(job).code, 0)
        self.ran("data", "verify", out)
        self.assertFalse((self.folder / "rows.h5.lock").exists())

    def hdf5(self):
        path = self.folder / "some.h5"
        if not path.exists():
            support.write_rows_hdf5(path, self.train)
        return path

    def test_an_input_that_changes_begins_an_interrupted_import_again(self):
        big = self.folder / "big.h5"
        rows = support.make_rows(300000, n_features=64)
        support.write_rows_hdf5(big, rows)
        for more in ((), ("--shuffle", 3)):
            out = self.folder / f"rows{len(more)}.h5"
            arguments = ("data", "import", "--format", "hdf5", big, "--out", out, *more)
            job = self.begun(arguments, out)
            support.stop_at_once(job)
            job.communicate()
            time.sleep(0.05)
            with h5py.File(big, "r+") as file:
                file["labels"][:] = (file["labels"][()] + 1) % 4
            ended = self.ran(*arguments)
            self.assertIn("begun again", ended.err)
            self.assertIn(str(big), ended.err)
            whole = self.folder / f"whole{len(more)}.h5"
            self.ran("data", "import", "--format", "hdf5", big, "--out", whole, *more)
            self.assertEqual(whole.read_bytes(), out.read_bytes())


    def test_an_input_that_changes_while_it_is_imported(self):
        big, out = self.folder / "big.h5", self.folder / "rows.h5"
        support.write_rows_hdf5(big, support.make_rows(300000, n_features=64))
        arguments = ("data", "import", "--format", "hdf5", big, "--out", out)
        job = self.begun(arguments, out)
        os.utime(big)
        job.send_signal(signal.SIGCONT)
        ended = support.finish(job)
        self.assertEqual(ended.code, DATA, ended)
        self.assertIn("was written to while it was read", ended.err)
        self.refused(DATA, "incomplete", arguments=("data", "verify", out))
        self.assertIn("begun again", self.ran(*arguments).err)
        self.ran("data", "verify", out)


if __name__ == "__main__":
    support.main()
