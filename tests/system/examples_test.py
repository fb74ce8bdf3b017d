# SPDX-License-Identifier: MIT
"""The examples that end the help of every verb: each is run as it stands, in a folder with the files that they name."""
import os
import re
import shutil
import subprocess

import numpy as np

import support


def verbs_below(*command):
    """Names of verbs, with what they stand below."""
    text = support.run(*command, "--help").out
    listed = text[text.index("Subcommands:"):].split("\n\n")[0]
    return [" ".join([*command, name]) for name in re.findall(r"(?m)^  (\w+)", listed)]


def examples_of(verb):
    text = support.run(*verb.split(), "--help").out
    return re.findall(r"(?m)^  (meha .*)$", text[text.index("\nExamples:\n"):])


class ExamplesTest(support.Case):
    def setUp(self):
        super().setUp()
        (self.folder / "bin").mkdir()
        (self.folder / "bin/meha").symlink_to(support.program)
        self.environment = support.environment() | {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        draw = np.random.default_rng(1)
        for name, wrong in (("doubtful", 0.1), ("trusted", 0)):
            lines = ["size,colour,label"]
            for _ in range(200):
                k = draw.integers(3)
                given = draw.integers(3) if draw.random() < wrong else k
                lines.append(f"{draw.normal(3 * k):.2f},{['white', 'red', 'blue'][k]},{'xyz'[given]}")
            (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
        for name, words in (("english", "the\nhouse\n"), ("french", "la\nmaison\n")):
            (self.folder / f"{name}.txt").write_text(words, encoding="ascii")
        support.write_rows_hdf5(self.folder / "images.h5", support.make_rows(200, n_features=36))

    def serve(self, example):
        """On a port that is free; the verbs after it ask this service."""
        service = subprocess.Popen(["sh", "-c", f"exec {example} --listen 127.0.0.1:0"], cwd=self.folder, env=self.environment,
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(service.stdout.close)
        self.addCleanup(service.wait)
        self.addCleanup(service.terminate)
        self.environment["MEHA_SERVER"] = re.search(r"http://[\d.]+:\d+", service.stdout.readline())[0]

    def end_endless(self):
        """While the service, which tells it, is there."""
        for verb in ("cancel", "watch"):
            subprocess.run([support.program, verb, "2"], env=self.environment, capture_output=True, timeout=60, check=False)

    def test_every_example_works(self):
        verbs = verbs_below()
        self.assertIn("quickstart", verbs)
        for verb in [*verbs, *verbs_below("data")]:
            with self.subTest(verb=verb):
                examples = examples_of(verb)
                self.assertIn(len(examples), (1, 2))
                for example in examples:
                    if verb != "data":  # it stands for those below
                        self.assertRegex(example, rf"^meha {verb}\b")
                    if verb == "serve":
                        self.serve(example)
                        continue
                    if verb == "cancel":  # which needs a job that waits or runs
                        endless = self.config("endless", run__iterations=support.ENDLESS, problem__type="strongly_convex", problem__n=10,
                                              without=[key for key in self.base if "data." in key])
                        subprocess.run([support.program, "submit", endless], env=self.environment, check=True, capture_output=True)
                        self.addCleanup(self.end_endless)
                    ended = subprocess.run(["sh", "-c", example], cwd=self.folder, env=self.environment, capture_output=True, text=True,
                                           timeout=120, check=False)
                    self.assertEqual(ended.returncode, 0, f"{example}\n{ended.stdout}\n{ended.stderr}")

    def test_the_manual_page_has_them(self):
        page = support.run("--manual").out.replace("\\-", "-")
        for verb in ("clean", "data import", "check"):
            for example in examples_of(verb):
                self.assertIn(re.sub(r"/\S*/configs/", "/usr/share/meha/configs/", example), page.splitlines())

    def test_a_folder_with_spaces(self):
        """Paths of configs are words of the shell."""
        place = self.folder / "it's a place"
        (place / "bin").mkdir(parents=True)
        shutil.copy(support.program, place / "bin/meha")
        (place / "configs").symlink_to(support.source / "configs")
        text = subprocess.run([place / "bin/meha", "check", "--help"], capture_output=True, text=True, check=True).stdout
        example = re.findall(r"(?m)^  (meha check .*toml\S*)$", text)[0]
        subprocess.run(["sh", "-c", example], cwd=self.folder, env=self.environment, check=True, capture_output=True)


if __name__ == "__main__":
    support.main()
