#!/usr/bin/env python3
"""Writes the tables of keys and datasets in docs/input.md, which the program prints: lindrift models --markdown.

    docs/update_input.py [--check] [PROGRAM]      default: build/bin/lindrift; --check compares and writes nothing

Exit code 1 if the page was out of date, or if the program refuses a TOML block of it or of README.md.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

DOCS = pathlib.Path(__file__).resolve().parent
ARGUMENTS = [argument for argument in sys.argv[1:] if argument != "--check"]
PROGRAM = ARGUMENTS[0] if ARGUMENTS else str(DOCS.parent / "build/bin/lindrift")
BLOCK = re.compile(r"<!-- (\w+): lindrift models --markdown -->\n.*?<!-- end -->\n", re.DOTALL)


def refused_examples(path):
    with tempfile.TemporaryDirectory() as folder:
        for number, block in enumerate(re.findall(r"```toml\n(.*?)```", path.read_text(), re.DOTALL), 1):
            example = pathlib.Path(folder) / f"example{number}.toml"
            example.write_text(block)
            done = subprocess.run([PROGRAM, "check", str(example)], capture_output=True, text=True)
            if done.returncode != 0:
                yield f"{path.name}, TOML block {number}: {done.stderr}"


def main():
    page = DOCS / "input.md"
    printed = subprocess.run([PROGRAM, "models", "--markdown"], capture_output=True, text=True, check=True).stdout
    blocks = {match[1]: match[0] for match in BLOCK.finditer(printed)}
    old = page.read_text()
    new = BLOCK.sub(lambda match: blocks[match[1]], old)
    complaints = [] if new == old else ["docs/input.md is not what the program prints; docs/update_input.py writes it"]
    if new != old and "--check" not in sys.argv:
        page.write_text(new)
    for path in (page, DOCS.parent / "README.md"):
        complaints += refused_examples(path)
    print("\n".join(complaints) or "docs/input.md agrees with the program")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
