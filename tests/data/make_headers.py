#!/usr/bin/env python3
"""Writes a C++ header beside every .json file of this folder, so that tests read the numbers without a JSON library.

Run it after a change of a .json file; the headers are committed too, because a machine with a compiler and GoogleTest alone
runs these tests. With --check it writes nothing and fails if a header is not what it would write. Objects become namespaces or, inside a list, structs; numbers become double with all their digits.
"""

import json
import pathlib
import sys
import textwrap

FOLDER = pathlib.Path(__file__).resolve().parent


def literal(value):
    """A C++ initialiser."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, list):
        return "{" + ", ".join(literal(item) for item in value) + "}"
    return "{" + ", ".join(literal(item) for item in value.values()) + "}"


def kind(value, name):
    """The C++ type of a value; `name` is that of its key."""
    if isinstance(value, str):
        return "const char*"
    if isinstance(value, int) and name == "sites":
        return "std::int64_t"
    if isinstance(value, (int, float)):
        return "double"
    if isinstance(value, list):
        if name.startswith("delta"):
            return "std::complex<double>"
        return f"std::vector<{kind(value[0], name)}>"
    return struct_name(name)


def struct_name(name):
    return "".join(word.capitalize() for word in name.removesuffix("s").split("_"))


def structs(value, name, found):
    """Declarations of the structs inside a value, innermost first."""
    if isinstance(value, list) and value:
        structs(value[0], name, found)
    elif isinstance(value, dict):
        for key, item in value.items():
            structs(item, key, found)
        fields = "".join(f"  {kind(item, key)} {key};\n" for key, item in value.items())
        found[struct_name(name)] = f"struct {struct_name(name)} {{\n{fields}}};\n"


def header(path):
    data = json.loads(path.read_text())
    about = data.pop("about")
    found = {}
    for name, value in data.items():
        structs(value, name, found)
    lines = ["#pragma once", ""]
    lines += [f"// Written by make_headers.py from {path.name}; change that file, not this one.", "// clang-format off", ""]
    lines += ["#include <complex>", "#include <cstdint>", "#include <vector>", ""]
    lines += [f"/// {line}" for line in textwrap.wrap(about, 110)]
    lines += [f"namespace lindrift::data::{path.stem} {{", ""]
    lines += found.values()
    lines += [f"inline const {kind(value, name)} {name} = {literal(value)};" for name, value in data.items()]
    lines += ["", f"}}  // namespace lindrift::data::{path.stem}", ""]
    return "\n".join(lines)


def main(arguments):
    stale = []
    for source in sorted(FOLDER.glob("*.json")):
        target, text = source.with_suffix(".hpp"), header(source)
        if "--check" not in arguments:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(target.name)
    for name in stale:
        print(f"{name} is not what make_headers.py writes", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
