#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A room includes itself and rooms of lower rank; the outside libraries each have their one door."""
import pathlib
import re
import sys

RANK = {"core": 0, "comm": 1, "data": 1, "problem": 2, "solver": 3, "io": 4, "app": 5}
DOORS = {"mpi.h": r"src/(comm|app)/", "hdf5.h": r"src/data/hdf5_handle\.hpp", "boost/": r"include/meha/comm/archive\.hpp",
         "toml++/": r"src/io/config\.cpp", "CLI/": r"src/app/command_line\.hpp", "zlib.h": r"src/data/unpacked_file\.cpp", "zstd.h": r"src/data/unpacked_file\.cpp",
         "httplib.h": r"src/app/serve/http\.cpp", "sqlite3.h": r"src/app/serve/store\.cpp"}

root = pathlib.Path(sys.argv[1])
errors = []
for path in sorted([*root.glob("src/**/*.[ch]pp"), *root.glob("include/**/*.hpp")]):
    name = str(path.relative_to(root))
    room = name.removeprefix("include/meha/").removeprefix("src/").split("/")[0]
    for line, text in enumerate(path.read_text().splitlines(), 1):
        inside = re.match(r'#include "meha/(\w+)/', text)
        if inside and inside[1] != room and RANK[inside[1]] >= RANK[room]:
            errors.append(f"{name}:{line}: {room} must not include {inside[1]}")
        outside = re.match(r"#include <([^>]+)>", text)
        for header, door in DOORS.items():
            if outside and outside[1].startswith(header) and not re.match(door, name):
                errors.append(f"{name}:{line}: {header} belongs to {door}")
print("\n".join(errors) or "every include goes down")
sys.exit(bool(errors))
