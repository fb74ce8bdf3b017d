# SPDX-License-Identifier: MIT
"""What CMake makes of the checkout: a part of another project, a user's own flags, another processor."""
import subprocess

import support


class CMakeTest(support.Case):
    def configure(self, source, *options):
        return subprocess.run(["cmake", "-G", "Ninja", "-S", source, "-B", self.folder / "build", *options], capture_output=True, text=True,
                              timeout=120, check=False)

    def commands(self):
        return (self.folder / "build" / "build.ninja").read_text()

    def test_part_of_another_project(self):
        outer = self.folder / "outer"
        outer.mkdir()
        (outer / "CMakeLists.txt").write_text(f"""cmake_minimum_required(VERSION 3.25)
project(outer LANGUAGES C CXX)
add_subdirectory({support.source} meha)
add_executable(ridge {support.source}/tests/example_problem/main.cpp)
target_link_libraries(ridge PRIVATE meha::meha)
""")
        ended = self.configure(outer)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        commands = self.commands()
        self.assertIn("build ridge: CXX_EXECUTABLE_LINKER", commands)
        self.assertIn("build meha/meha: CXX_EXECUTABLE_LINKER", commands)
        self.assertNotIn("test_core", commands)

    def test_flags_of_a_user(self):
        ended = self.configure(support.source, "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O2 -g", "-DMEHA_TESTS=OFF")
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertIn("-O2 -g", self.commands())
        self.assertNotIn("-DNDEBUG", self.commands())

    def test_another_processor(self):
        ended = self.configure(support.source, "-DCMAKE_SYSTEM_NAME=Linux", "-DCMAKE_SYSTEM_PROCESSOR=aarch64")
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("processor aarch64: meha builds for x86-64 only", ended.stderr)


if __name__ == "__main__":
    support.main()
