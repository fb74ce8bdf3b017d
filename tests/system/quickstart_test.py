# SPDX-License-Identifier: MIT
"""meha quickstart: on images and on rows of its own, again, stopped, and into folders that it must leave alone."""
import os
import shutil
import subprocess
import unittest

import support

CONFIG, CHECKPOINT = 2, 5
IMAGES = "/usr/share/datasets/fashion-mnist"
SHOWN = ("of them are wrong", "found with F1", "largest confusions:", "most suspicious rows:", "next:")


class QuickstartTest(support.Case):
    def quickstart(self, *more, code=0):
        ended = support.run("quickstart", *more, cwd=self.folder)
        self.assertEqual(ended.code, code, ended.out + ended.err)
        return ended

    def assert_all_is_shown(self, ended, out):
        for words in SHOWN:
            self.assertIn(words, ended.out + ended.err)
        for name in ("samples.csv", "report.html", "result.h5"):
            self.assertTrue((out / name).exists(), name)

    @unittest.skipUnless(os.path.isdir(IMAGES), "Fashion-MNIST is not installed")
    def test_images(self):
        ended = self.quickstart()
        self.assert_all_is_shown(ended, self.folder / "runs/quickstart")
        self.assertIn("Ankle boot", ended.out)
        self.assertNotIn("apt install", ended.out)
        self.assertIn("another --out", self.quickstart("--synthetic", code=CONFIG).err)
        self.assertFalse((self.folder / "runs/quickstart/rows.h5").exists())

    def test_rows_of_its_own(self):
        out = self.folder / "a folder/it's \"new\""
        ended = self.quickstart("--synthetic", "--out", out)
        self.assert_all_is_shown(ended, out)
        self.assertNotIn("warning", ended.out + ended.err)
        self.assertIn(", 2 ranks, ", ended.out + ended.err)
        self.assertGreater(support.read_metrics(out)[-1]["detection_auroc"], 0.95)
        next_lines = ended.out[ended.out.index("next:"):].splitlines()[1:]
        typed = [line for line in next_lines if " inspect " in line or " resume " in line]
        self.assertEqual(len(typed), 2, next_lines)
        for line in typed:  # as they stand
            subprocess.run(["sh", "-c", line], check=True, capture_output=True, cwd=self.folder, env=support.environment())

    def test_again(self):
        out, rows = self.folder / "run", self.folder / "run/rows.h5"
        self.quickstart("--synthetic", "--out", out)
        before, result = rows.stat().st_mtime_ns, support.read_state(out)
        self.assert_all_is_shown(self.quickstart("--synthetic", "--out", out), out)
        self.assertEqual(rows.stat().st_mtime_ns, before)
        for path in out.iterdir():  # as after an end between the rows and the run
            if path != rows:
                path.unlink()
        self.quickstart("--synthetic", "--out", out)
        self.assertEqual(rows.stat().st_mtime_ns, before)
        self.assertEqual(support.different_fields(result, support.read_state(out)), [])

    def test_a_persons_files_stay(self):
        rows = support.make_rows(50)
        for name in ("rows.h5", "result.h5", "config.toml"):
            out = self.folder / f"mine-{name}"
            out.mkdir()
            support.write_rows_hdf5(out / name, rows)
            before = (out / name).read_bytes()
            self.assertIn(name, self.quickstart("--synthetic", "--out", out, code=CHECKPOINT).err)
            self.assertEqual((out / name).read_bytes(), before)
            self.assertEqual([path.name for path in out.iterdir()], [name])

    def test_folders_that_cannot_be_written(self):
        file = self.folder / "file"
        file.write_text("my own\n")
        for kind in ([], ["--synthetic"]):
            if kind or os.path.isdir(IMAGES):
                self.assertIn(str(file), self.quickstart(*kind, "--out", file / "run", code=CHECKPOINT).err)
                self.assertIn("/proc/run", self.quickstart(*kind, "--out", "/proc/run", code=CHECKPOINT).err)

    def test_a_program_without_its_configs(self):
        alone = self.folder / "alone/bin/meha"
        alone.parent.mkdir(parents=True)
        shutil.copy(support.program, alone)
        ended = subprocess.run([alone, "quickstart"], capture_output=True, text=True, cwd=self.folder, env=support.environment(), check=False)
        self.assertEqual(ended.returncode, CONFIG, ended.stderr)
        self.assertRegex(ended.stderr, r"configs/clean_\w+\.toml: is missing")
        self.assertFalse((self.folder / "runs").exists())


if __name__ == "__main__":
    support.main()
