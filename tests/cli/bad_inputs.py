"""The tables of inputs that the program must reject; tests/data/bad_inputs/README.md describes their format."""

import pathlib
import re
from dataclasses import dataclass

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "data/bad_inputs"


@dataclass(frozen=True)
class BadInput:
    name: str
    content: bytes
    expected: str  # part of the message


def unescape(text):
    """The bytes that a case marked (escaped) represents."""
    def replace(match):
        code, count, unit, other = match.groups()
        if code:
            return bytes([int(code, 16)])
        if count:
            return int(count) * unit
        return b"" if other == b"\n" else other

    return re.sub(rb"\\(?:x([0-9A-F]{2})|(\d+)\(([^)\n]*)\)|(.|\n))", replace, text)


def cases():
    for table in sorted(FOLDER.glob("*.txt")):
        for block in table.read_bytes().split(b"\n#### ")[1:]:
            heading, content = block.split(b"\n", 1)
            name = heading.decode().removesuffix(" (escaped)")
            if name != heading.decode():
                content = unescape(content)
            mark = content.split(b"\n", 1)[0].decode()
            assert mark.startswith("# expect: "), name
            yield BadInput(name, content, mark.removeprefix("# expect: "))
