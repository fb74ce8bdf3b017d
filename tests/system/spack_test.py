# SPDX-License-Identifier: MIT
"""The recipes for Spack, read by a small stand-in, since there is no Spack here: it takes down what they declare, and runs what
they do. So nothing here says that Spack accepts or builds them; but they ask for what CMakeLists.txt asks for and nothing else,
pass options that it knows, and install what meha looks for."""
import hashlib
import os
import pathlib
import re
import runpy
import shutil
import subprocess
import sys
import types
import unittest.mock

import support

DIRECTIVES = ("conflicts", "depends_on", "license", "requires", "version")
NAMES = {  # what CMake looks for, as Spack calls it
    "Boost": "boost", "CLI11": "cli11", "Eigen3": "eigen", "HDF5": "hdf5", "MEHA_CHART_JS": "chart-js", "MPI": "mpi", "PkgConfig": "pkgconfig",
    "ZLIB": "zlib-api", "cpp-httplib": "meha-httplib", "libxxhash": "xxhash", "libzstd": "zstd", "nlohmann_json": "nlohmann-json",
    "spdlog": "spdlog", "sqlite3": "sqlite", "tomlplusplus": "tomlplusplus",
}
CHART_JS = pathlib.Path("/usr/share/javascript/chart.js/chart.min.js")


class Prefix(str):
    """A folder whose attributes are its folders."""
    def __getattr__(self, name):
        return Prefix(f"{self}/{name}")


class Recipe:
    """A package.py: its class, and what it has declared, as (arguments, keywords) by directive."""
    def __init__(self, path):
        self.said = {name: [] for name in DIRECTIVES}
        package = types.ModuleType("spack.package")
        for name, said in self.said.items():
            setattr(package, name, lambda *arguments, _said=said, **keywords: _said.append((arguments, keywords)))
        package.install, package.join_path = shutil.copy, os.path.join
        package.mkdirp = lambda *folders: [os.makedirs(folder, exist_ok=True) for folder in folders]
        cmake, generic = (types.ModuleType(f"spack_repo.builtin.build_systems.{name}") for name in ("cmake", "generic"))
        cmake.CMakePackage = type("CMakePackage", (), {"define": staticmethod(lambda name, value: (name, value))})
        generic.Package = type("Package", (), {})
        parents = map(types.ModuleType, ("spack", "spack_repo", "spack_repo.builtin", "spack_repo.builtin.build_systems"))
        with unittest.mock.patch.dict(sys.modules, {module.__name__: module for module in (*parents, package, cmake, generic)}):
            names = runpy.run_path(str(path))
        self.name = path.parent.name.replace("_", "-")
        self.package = names["".join(word.capitalize() for word in self.name.split("-"))]  # Spack derives the class from the folder
        (self.version,), self.source = self.said["version"][0]
        self.depends_on = {re.match(r"[\w-]+", spec[0])[0]: spec[0] for spec, _ in self.said["depends_on"]}

    def install(self, folder, content):
        """Installs `content` as if it had been fetched. @return the prefix"""
        fetched = folder / self.source["url"].rsplit("/", 1)[1]
        fetched.write_bytes(content)
        prefix = Prefix(folder / "prefix")
        package = types.SimpleNamespace(stage=types.SimpleNamespace(archive_file=str(fetched)))
        self.package.install(package, types.SimpleNamespace(version=self.version), prefix)
        return prefix


class SpackTest(support.Case):
    def setUp(self):
        super().setUp()
        self.repository = support.source / "launch/recipes/spack/spack_repo/meha"
        self.recipes = {recipe.name: recipe for recipe in map(Recipe, self.repository.glob("packages/*/package.py"))}
        self.meha = self.recipes["meha"]
        self.cmake = (support.source / "CMakeLists.txt").read_text(encoding="utf-8")

    def test_repository(self):
        self.assertIn("\n  namespace: meha\n  api: v2.0\n", (self.repository / "repo.yaml").read_text(encoding="utf-8"))
        self.assertEqual(set(self.recipes), {"meha", "meha-httplib", "chart-js"})
        for recipe in self.recipes.values():
            self.assertEqual(recipe.said["license"], [(("MIT",), {})], recipe.name)
        head = (self.repository / "packages/meha/package.py").read_text(encoding="utf-8")
        for path in re.findall(r"(?m)^#   spack repo add (\S+)$", head):
            self.assertEqual(support.source / path, self.repository)
        self.assertIn(f"\n#   spack dev-build meha@{self.meha.version} ", head)

    def test_asks_for_what_cmake_asks_for(self):
        self.assertEqual(self.meha.version, re.search(r"project\(meha VERSION (\S+)", self.cmake)[1])
        self.assertIn("LANGUAGES C CXX)", self.cmake)
        asked = {"cmake": re.search(r"cmake_minimum_required\(VERSION ([\d.]+)", self.cmake)[1], "c": None, "cxx": None}
        for pattern in (r"(?m)^find_package\((\w+) ?([\d.]+)?", r"(?m)^find_file\((\w+)()", r"(?m)^pkg_check_modules\(.* (\S+)()\)"):
            asked |= {NAMES[name]: least or None for name, least in re.findall(pattern, self.cmake)}
        asked["random123"] = None  # found without CMake, by the compiler
        self.assertIn("#include <Random123/", (support.source / "src/core/random.cpp").read_text(encoding="utf-8"))
        self.assertEqual(set(self.meha.depends_on), set(asked))
        for name, least in asked.items():
            if least:
                self.assertRegex(self.meha.depends_on[name], rf"^{name}@{re.escape(least)}:")

    def test_options_of_cmake(self):
        package = self.meha.package()
        package.spec = {"chart-js": types.SimpleNamespace(prefix=Prefix("/chart"))}
        for name, _ in package.cmake_args():
            self.assertRegex(self.cmake, rf"(?m)^(option|set|find_file)\({name}\b")
        self.assertIn(("MEHA_TESTS", False), package.cmake_args())
        self.assertIn(("MEHA_CHART_JS", "/chart/share/chart.min.js"), package.cmake_args())

    def test_chart_js(self):
        recipe = self.recipes["chart-js"]
        self.assertTrue(f"chart-js@{recipe.version}".startswith(self.meha.depends_on["chart-js"] + "."))
        prefix = recipe.install(self.folder, CHART_JS.read_bytes())
        self.assertEqual(recipe.source["sha256"], hashlib.sha256(pathlib.Path(prefix.share, "chart.min.js").read_bytes()).hexdigest())

    def test_httplib(self):
        prefix = self.recipes["meha-httplib"].install(self.folder, b"// the header\n")
        self.assertEqual(pathlib.Path(prefix.include, "httplib.h").read_bytes(), b"// the header\n")
        found = subprocess.run(["pkg-config", "--cflags", "--libs", "cpp-httplib = 0.11.4"], capture_output=True, text=True, check=False,
                               env=os.environ | {"PKG_CONFIG_LIBDIR": prefix.lib.pkgconfig})
        self.assertEqual(found.stdout.split(), [f"-I{prefix}/include", "-DCPPHTTPLIB_USE_POLL", "-pthread"], found.stderr)


if __name__ == "__main__":
    support.main()
