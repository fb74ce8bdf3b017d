# SPDX-License-Identifier: MIT
"""Every README and guide: links and anchors lead somewhere, files keep their size, and every fenced block is tested in the way
that BLOCKS says. A block that BLOCKS does not know is a failure."""
import functools
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import numpy as np

import support

README_BYTES, GUIDE_BYTES = 8192, 16383

# File -> first line of a block -> how it is tested:
#   run           executed as it stands, in a folder that looks like a checkout, after the blocks above it in the same file;
#                 toml: written to the file that its first line names
#   parse         not executed, because it installs packages, needs a cluster or takes an hour: its syntax is valid, its
#                 scripts exist, and the verbs, options and keys it gives to meha are known to the program
#   output        each line is printed by `run` of the quickstart's config; numbers may differ (by instruction set)
#   in FILE       the same lines stand in FILE, which is compiled and run by a test of its own
#   NAME_test.py  executed by that test, which reads it from the same file
#   say           nothing to execute: a formula, a diagram or a line that some runs print
BLOCKS = {
    "README.md": {
        "min over x, y of F(x, y)": "say",
        "launch/quickstart": "parse",
        "  labels   ": "output",
        "build/meha quickstart": "run",
        "cmake -G Ninja -B build -DCMAKE_BUILD_TYPE=Release": "parse",
    },
    "configs/README.md": {
        "import csv, random": "run",
        "build/meha clean doubtful.csv --trusted": "run",
        "  1 column text: notes": "tables_test.py",
        "import h5py, numpy as np\ndef write": "run",
        "# mine.toml": "run",
        "build/meha run mine.toml": "run",
        "import h5py, numpy as np\nwith h5py": "run",
    },
    "configs/steps.md": {
        'build/meha run CONFIG.toml --out DIR --set "run.iterations': "run",
    },
    "configs/tables.md": {
        "# columns.toml": "run",
        "build/meha run columns.toml": "run",
        "build/meha pick doubtful.csv": "run",
    },
    "launch/README.md": {
        "cpack --config build": "parse",
        "launch/local 4 build/meha run": "run",
        "launch/hosts nodeA:32": "parse",
        "build/meha resume DIR --set": "run",
        "launch/until-done launch/local 4": "run",
        "sbatch --ntasks=64": "parse",
        "build/meha verify DIR": "run",
        "code=0": "run",
        "launch/local 2 build/meha plan": "run",
        "rows by speed: rank 1": "say",
    },
    "launch/service.md": {
        "build/meha serve --spool spool --slots": "parse",
        "build/meha serve --spool spool --hostfile": "parse",
        "SBATCH_PARTITION": "parse",
        "build/meha submit CONFIG.toml": "serve_test.py",
        "curl -s http://127.0.0.1:8765/api/jobs": "serve_test.py",
        "openssl rand": "parse",
    },
    "include/meha/README.md": {
        "PREFIX=$PWD/prefix": "run",
        "find_package(meha": "in tests/example_problem/CMakeLists.txt",
        "std::unique_ptr<Problem> make_ridge": "in tests/example_problem/main.cpp",
        "struct RidgeOptions": "in tests/example_problem/main.cpp",
        "    for (Index row": "in tests/example_problem/main.cpp",
        "build/meha check CONFIG.toml": "run",
        "build/meha check --solution DIR": "run",
    },
    "include/meha/algorithms.md": {
        "build/meha compare CONFIG.toml": "run",
        "int main(int argc, char** argv) {\n  meha::add_algorithm": "in tests/example_algorithm/main.cpp",
        "PREFIX=$PWD/prefix": "example_algorithm_test.py",
        "void Meha::init": "in src/solver/meha.cpp",
    },
    "src/README.md": {
        "config.toml ─▶ Problem": "say",
    },
    "src/data/README.md": {
        "import h5py, numpy as np": "data_test.py",
        "import h5py\nwith h5py": "data_test.py",
        "build/meha data import --format csv": "run",
        "build/meha data import --format idx train": "parse",
        "import collections, math, xxhash": "words_test.py",
        "sudo apt install": "parse",
    },
    "tests/README.md": {
        "launch/test": "parse",
        "/usr/bin/python3 tests/system/verbs_test.py": "parse",
    },
    "tests/bench/README.md": {},
    "tests/bench/methods.md": {},
    "tests/bench/quality.md": {},
    "tests/bench/scaling.md": {},
}
OUTSIDE = {"cpack", "curl", "openssl", "cd", "cp", "cmake", "ctest", "mpirun", "sudo", "sbatch", "qsub", "bsub", "/usr/bin/python3"}


def guides():
    """All Markdown files of the checkout, by their paths in it."""
    found = []
    for folder, folders, names in os.walk(support.source):
        folders[:] = [name for name in folders if name not in ("build", "runs") and not name.startswith(".")]
        found += [pathlib.Path(folder, name).relative_to(support.source).as_posix() for name in names if name.endswith(".md")]
    return sorted(found)


def text_of(guide):
    return (support.source / guide).read_text(encoding="utf-8")


def blocks_of(guide):
    """@return (language, text) of every fenced block"""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text_of(guide), re.M | re.S)


def prose_of(guide):
    return re.sub(r"^```.*?^```$", "", text_of(guide), flags=re.M | re.S)


def anchors_of(guide):
    headings = re.findall(r"^#+ (.*)$", prose_of(guide), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def method_of(guide, block):
    """@return (its key in BLOCKS, how it is tested); the longest key that it begins with counts"""
    keys = [key for key in BLOCKS.get(guide, {}) if block.startswith(key)]
    return max(((key, BLOCKS[guide][key]) for key in keys), key=lambda pair: len(pair[0]), default=(None, None))


def without_numbers(line):
    return re.sub(r"\d[\d.,e+-]*", "#", " ".join(line.split()))


class LinksTest(unittest.TestCase):
    def test_sizes(self):
        for guide in guides():
            limit = README_BYTES if guide == "README.md" else GUIDE_BYTES
            self.assertLessEqual(len((support.source / guide).read_bytes()), limit, guide)

    def test_links_lead_somewhere(self):
        for guide in guides():
            for target in re.findall(r"\]\(([^)]+)\)", prose_of(guide)):
                if target.startswith("https://"):
                    continue
                with self.subTest(guide=guide, link=target):
                    path, _, anchor = target.partition("#")
                    file = (support.source / guide).parent / path if path else support.source / guide
                    self.assertTrue(file.is_file(), "no such file")
                    if anchor:
                        self.assertIn(anchor, anchors_of(file.resolve().relative_to(support.source).as_posix()))

    def test_every_guide_is_linked_from_the_readme(self):
        for guide in guides():
            self.assertTrue(guide == "README.md" or f"]({guide}" in text_of("README.md"), guide)

    def test_names_in_the_text_exist(self):
        """Inline code: paths of the checkout, benchmarks of the same folder, verbs and keys."""
        for guide in guides():
            folder = (support.source / guide).parent
            for code in re.findall(r"`([^`]+)`", prose_of(guide).replace("\n", " ")):
                path = code.split()[0]
                with self.subTest(guide=guide, code=code):
                    if re.match(r"(launch|configs|tests|src|include)/[\w/.-]+$", path) and not re.search(r"/R/|ROOM|NAME", path):
                        self.assertTrue((support.source / path).exists(), "no such file")
                    elif re.match(r"\w+\.py$", path):
                        self.assertTrue((folder / path).exists() or (folder / "system" / path).exists(), "no such file")
                    elif re.match(r"(run|problem|algorithm|checkpoint|comm)\.\w[\w.]*$", path) and path not in ("run.lock", "run.log"):
                        self.assertIn(path, known_options())
                    if "build/meha " in code or "--set " in code:
                        check_command(self, code)


@functools.cache
def known_options():
    """Names of options, and of the tables that they stand in."""
    names = re.findall(r"(?m)^(\w[\w.]*) = ", support.run("list", "options").out)
    return {".".join(name.split(".")[:n]) for name in names for n in range(1, name.count(".") + 2)}


@functools.cache
def help_of(*verb):
    ended = support.run(*verb, "--help")
    return ended.out if ended.code == 0 else ""


def check_command(test, line):
    """Scripts exist; verbs, options and keys are known."""
    words = shlex.split(line, comments=True)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    if not words:
        return
    first = words[0]
    is_ours = re.match(r"(launch|tests)/", first)
    test.assertTrue(is_ours or first in OUTSIDE or first in ("build/meha", "meha", "--set") or first.startswith("build/"), line)
    for word in words:
        if re.match(r"<?(launch|tests)/[\w/.-]+$", word):
            test.assertTrue((support.source / word.lstrip("<")).exists(), word)
        if word.startswith("MEHA_COMMAND="):
            check_command(test, word.removeprefix("MEHA_COMMAND="))
    at = next((i for i, word in enumerate(words) if word in ("build/meha", "meha")), len(words))
    if is_ours and (support.source / first).is_file():
        script = (support.source / first).read_text(encoding="utf-8")
        for option in [word for word in words[1:at] if word.startswith("--")]:
            test.assertTrue(option in script or first == "launch/test", f"{first} {option}")
    own = words[at + 1:]
    if own and not own[0].startswith("-") and re.match(r"[a-z]+$", own[0]):
        verb = own[:2] if own[0] == "data" and len(own) > 1 and re.match(r"[a-z]+$", own[1]) else own[:1]
        text = help_of(*verb)
        test.assertTrue(text, f"no such verb: {' '.join(verb)}")
        for option in [word.split("=")[0] for word in own if word.startswith("--")]:
            test.assertRegex(text, rf"(?m){re.escape(option)}\b", line)
    for option, setting in zip(words, words[1:]):
        if option == "--set" and "=" in setting and not setting.startswith("a.b="):
            test.assertIn(setting.split("=")[0], known_options(), line)


class BlocksTest(support.Case):
    def test_every_block_is_registered(self):
        self.assertEqual(guides(), sorted(BLOCKS), "guides with and without a place in BLOCKS")
        for guide in guides():
            keys = [method_of(guide, block)[0] for _, block in blocks_of(guide)]
            unknown = [block for (_, block), key in zip(blocks_of(guide), keys) if key is None]
            self.assertEqual(unknown, [], f"{guide}: blocks that no test knows; say in BLOCKS how they are tested")
            self.assertEqual(sorted(keys), sorted(BLOCKS[guide]), f"{guide}: keys of BLOCKS, each for one block")
            self.assertEqual(text_of(guide).count("\n```"), 2 * len(keys), f"{guide}: fences without a pair, or indented")
            self.assertNotRegex(prose_of(guide), r"\n\n {4}", f"{guide}: a block without fences")

    def test_blocks_of_the_method(self):
        for guide in guides():
            for language, block in blocks_of(guide):
                key, method = method_of(guide, block)
                with self.subTest(guide=guide, block=key):
                    self.assertIn(language, ("sh", "python", "toml", "cmake", "cpp", "text"))
                    if language == "sh":
                        subprocess.run(["bash", "-n", "-c", block], check=True)
                    if method == "parse":
                        for line in block.replace("\\\n", " ").splitlines():
                            check_command(self, line)
                    elif method and method.startswith("in "):
                        self.assertIn(block, (support.source / method[3:]).read_text(encoding="utf-8"))
                    elif method and method.endswith("_test.py"):
                        self.assertIn(guide, (support.source / "tests/system" / method).read_text(encoding="utf-8"))

    # ---- execution ----

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = pathlib.Path(tempfile.mkdtemp(prefix="meha-system-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared, ignore_errors=True)
        cls.quickstart = None
        if pathlib.Path("/usr/share/datasets/fashion-mnist").exists():
            cls.quickstart = support.run("run", support.source / "configs/clean_fashion_mnist.toml", "--out",
                                         cls.shared / "quickstart", ranks=2)

    def checkout(self):
        """A folder that looks like a checkout after a build, with small files of the names that blocks use."""
        folder = self.folder / "checkout"
        (folder / "runs").mkdir(parents=True)
        (folder / "build").symlink_to(support.program.parent)
        for name in ("launch", "tests"):
            (folder / name).symlink_to(support.source / name)
        if self.quickstart is not None:
            (folder / "runs" / "quickstart").symlink_to(self.shared / "quickstart")
        shutil.copy(self.config(checkpoint__every=10, run__iterations=20), folder / "CONFIG.toml")
        rows = support.make_rows(200, n_classes=3, n_features=36)
        for name in ("rows", "images"):
            support.write_rows_hdf5(folder / f"{name}.h5", rows, class_names=["cat", "dog", "horse"])
        lines = [",".join([*(f"f{j}" for j in range(36)), "label"])]
        lines += [",".join(map(str, [*features, label])) for features, label in zip(rows.features, rows.labels)]
        (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
        for name, seed, wrong in (("doubtful", 1, 0.15), ("trusted", 2, 0)):
            draw = np.random.default_rng(seed)
            lines = ["id,size,notes,species"]
            for i in range(200):
                k = draw.integers(3)
                given = draw.integers(3) if draw.random() < wrong else k
                lines.append(f"{i},{draw.normal(3 * k):.2f},the {['white', 'red', 'blue'][k]} one of row {i},{'xyz'[given]}")
            (folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="ascii")
        for name, words in (("english", "the\nhouse\n"), ("french", "la\nmaison\n")):
            (folder / f"{name}.txt").write_text(words, encoding="ascii")
        ended = support.run("run", "CONFIG.toml", "--out", "finished", cwd=folder)
        self.assertEqual(ended.code, 0, ended.out + ended.err)
        return folder

    def execute(self, folder, language, block):
        shutil.rmtree(folder / "DIR", ignore_errors=True)
        if "CONFIG.toml --out DIR" not in block:
            shutil.copytree(folder / "finished", folder / "DIR")
        if language == "toml":
            (folder / re.match(r"# (\S+)", block)[1]).write_text(block, encoding="utf-8")
            return
        command = [sys.executable, "-c", block] if language == "python" else ["bash", "-eu", "-o", "pipefail", "-c", block]
        environment = support.environment() | {"OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_mpi_yield_when_idle": "1"}
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, timeout=300, check=False)
        self.assertEqual(ended.returncode, 0, f"{block}\n{ended.stdout}\n{ended.stderr}")

    def test_blocks_run(self):
        for guide in guides():
            chosen = [(language, block) for language, block in blocks_of(guide) if method_of(guide, block)[1] == "run"]
            if not chosen:
                continue
            folder = self.checkout()
            for language, block in chosen:
                if "runs/quickstart" in block and self.quickstart is None:
                    continue  # Fashion-MNIST is not installed
                with self.subTest(guide=guide, block=method_of(guide, block)[0]):
                    self.execute(folder, language, block)
            shutil.rmtree(folder)

    def test_output(self):
        if self.quickstart is None:
            self.skipTest("Fashion-MNIST is not installed")
        self.assertEqual(self.quickstart.code, 0, self.quickstart.err)
        printed = {without_numbers(line) for line in (self.quickstart.out + self.quickstart.err).splitlines()}
        for _, block in [pair for pair in blocks_of("README.md") if method_of("README.md", pair[1])[1] == "output"]:
            for line in block.splitlines():
                self.assertIn(without_numbers(line), printed)


if __name__ == "__main__":
    support.main()
