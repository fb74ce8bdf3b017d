#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A source file has at most 300 lines, unless a sentence at its top says why it is longer: "// Long, because …"."""
import pathlib
import sys

MOST_LINES = 300
NEXT_TO_LICENCE = 5  # lines in which the sentence begins

root = pathlib.Path(sys.argv[1])
errors = []
for path in sorted([*root.glob("src/**/*.[ch]pp"), *root.glob("include/**/*.hpp")]):
    lines = path.read_text(encoding="utf-8").splitlines()
    name = str(path.relative_to(root))
    has_reason = any(line.startswith("// Long, because ") for line in lines[:NEXT_TO_LICENCE])
    if len(lines) > MOST_LINES and not has_reason:
        errors.append(f"{name}: {len(lines)} lines: at most {MOST_LINES}, or say at its top why: // Long, because …")
print("\n".join(errors) or f"every file of more than {MOST_LINES} lines says why")
sys.exit(bool(errors))
