#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A source file has at most 300 lines and the body of a function at most 60, unless a sentence says why it is longer:
"// Long, because …" at the top of the file, or in the comment directly above the function."""
import pathlib
import re
import sys

MOST_LINES = 300
MOST_LINES_OF_BODY = 60
NEXT_TO_LICENCE = 5  # lines in which the sentence of a file begins
REASON = "// Long, because "

NOT_CODE = re.compile("|".join([
    r"//[^\n]*", r"/\*.*?\*/",
    r'R"(\w*)\(.*?\)\1"', r'"(?:\\.|[^"\\\n])*"',
    r"(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'",  # not the mark in 1'000
    r"^[ \t]*#(?:\\\n|[^\n])*",
]), re.DOTALL | re.MULTILINE)
LEAD = re.compile(r"\s*(?:(?:public|protected|private):\s*)?")
SCOPE = re.compile(r"(?:^|\s)(?:namespace|class|struct|union|enum|extern)\b")


def functions(text):
    """Yields (number of the line in which it begins, name, lines of the body) of every function at namespace or class level.
    Lines are counted from 0."""
    code = NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    scopes = []  # of open braces: whether functions may stand in them
    begin = 0  # of the declaration at hand
    body = None  # where the brace of the function at hand is
    for place in (match.start() for match in re.finditer(r"[{};]", code)):
        if code[place] == "{":
            head = code[begin:place]
            is_scope = "(" not in head and SCOPE.search(head) is not None
            if all(scopes) and "(" in head and not head.rstrip().endswith("="):  # "=": a table
                body = place
            scopes.append(is_scope)
        elif code[place] == "}":
            scopes.pop()
            after = code[place + 1:place + 100].lstrip()[:1]
            if not all(scopes) or after in (",", "{"):  # it closes a statement, or a member's initial value
                continue
            if body is not None:
                first = begin + LEAD.match(code[begin:body]).end()
                name = re.search(r"(\S+?)\s*\(", code[first:body]).group(1)
                yield text.count("\n", 0, first), name, text.count("\n", body, place) - 1
                body = None
        if all(scopes):
            begin = place + 1


def has_reason(lines, first):
    """Whether the comment directly above line `first` has the sentence."""
    above = first - 1
    while above >= 0 and lines[above].lstrip().startswith("//"):
        if lines[above].lstrip().startswith(REASON):
            return True
        above -= 1
    return False


def main():
    root = pathlib.Path(sys.argv[1])
    errors = []
    for path in sorted([*root.glob("src/**/*.[ch]pp"), *root.glob("include/**/*.hpp")]):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        name = str(path.relative_to(root))
        if len(lines) > MOST_LINES and not any(line.startswith(REASON) for line in lines[:NEXT_TO_LICENCE]):
            errors.append(f"{name}: {len(lines)} lines: at most {MOST_LINES}, or say at its top why: {REASON}…")
        for first, function, n_lines in functions(text):
            if n_lines > MOST_LINES_OF_BODY and not has_reason(lines, first):
                errors.append(f"{name}:{first + 1}: {function}: {n_lines} lines: at most {MOST_LINES_OF_BODY}, or say "
                              f"above it why: {REASON}…")
    print("\n".join(errors) or f"every file of more than {MOST_LINES} lines and every function of more than "
          f"{MOST_LINES_OF_BODY} says why")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
