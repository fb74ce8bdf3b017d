# SPDX-License-Identifier: MIT
"""The package of Debian: what it depends on, a table cleaned by what it installs, its manual page and completion,
and the images that are made of it."""
import gzip
import re
import shutil
import subprocess
import unittest

import support


def shell_of_recipes():
    """What the recipes for images run in them."""
    docker, apptainer = ((support.source / "launch/recipes" / name).read_text(encoding="utf-8") for name in ("Dockerfile", "meha.def"))
    return {"Dockerfile": "\n".join(re.findall(r"(?m)^RUN (.*)$", docker.replace("\\\n", " "))),
            "meha.def": "\n".join(re.findall(r"(?ms)^%(?:post|runscript)\n(.*?)(?=^%|\Z)", apptainer))}


@unittest.skipIf(shutil.which("cpack") is None or shutil.which("dpkg-shlibdeps") is None, "cpack or dpkg-dev is not installed")
class PackageTest(support.Case):
    def ran(self, *command):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=300, env=support.environment(), cwd=self.folder, check=False)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout

    def test_a_table_is_cleaned_by_the_package(self):
        self.ran("cpack", "--config", support.program.parent / "CPackConfig.cmake", "-B", self.folder / "made", "-D", "CPACK_COMPONENTS_ALL=program")
        package, = (self.folder / "made").glob("*.deb")
        for recipe, commands in shell_of_recipes().items():
            self.assertIn(f"install -y --no-install-recommends /tmp/{package.name}", commands, recipe)
            self.ran("sh", "-n", "-c", commands)
        fields = self.ran("dpkg-deb", "--field", package, "Depends", "Recommends")
        for name in ("openmpi-bin", "libopenmpi3", "libhdf5-103", "dataset-fashion-mnist"):
            self.assertIn(name, fields)
        self.ran("dpkg-deb", "--extract", package, self.folder / "root")
        rows = [f"{i % 3},{(i * 7) % 5},{'xyz'[(i + (i % 10 == 0)) % 3]}" for i in range(240)]
        for name, some in (("doubtful", rows[:200]), ("trusted", [row for i, row in enumerate(rows[200:]) if (200 + i) % 10])):
            (self.folder / f"{name}.csv").write_text("a,b,label\n" + "\n".join(some) + "\n", encoding="ascii")
        said = self.ran(self.folder / "root/usr/bin/meha", "clean", "doubtful.csv", "--trusted", "trusted.csv", "--out", "out", "--ranks", "2")
        self.assertRegex(said, r"\d+ of 200 labels look wrong")
        self.assertNotIn("warning: one rank", said)
        self.assertTrue((self.folder / "out/report.html").exists())
        self.assertIn(".SS meha clean", gzip.decompress((self.folder / "root/usr/share/man/man1/meha.1.gz").read_bytes()).decode())
        said = self.ran(self.folder / "root/usr/bin/meha", "quickstart", "--synthetic")
        self.assertIn(f"running {self.folder}/root/usr/share/meha/configs/clean_synthetic.toml into runs/quickstart", said)
        self.assertIn("most suspicious rows:", said)
        completion = self.folder / "root/usr/share/bash-completion/completions/meha"
        for words, expected in (("meha cle", "clean"), ("meha clean --trusted-", "--trusted-labels"), ("meha data imp", "import")):
            shell = f'. {completion}; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _meha; echo "${{COMPREPLY[@]}}"'
            self.assertEqual(self.ran("bash", "-c", shell).strip(), expected)
        listed = f'. {completion}; COMP_WORDS=(meha check --s); COMP_CWORD=2 COMP_TYPE=63; _meha; printf "%s\\n" "${{COMPREPLY[@]}}"'
        self.assertEqual(self.ran("bash", "-c", listed).splitlines(),
                         ["--solution", "--set", "meha check /usr/share/meha/configs/strongly_convex.toml", "meha check --solution runs/quickstart"])


if __name__ == "__main__":
    support.main()
