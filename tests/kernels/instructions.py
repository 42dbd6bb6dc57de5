#!/usr/bin/env python3
"""The FP64 instructions of the loops over pairs and terms in the machine code for an H100.

  instructions.py OBJECT... --compiler VERSION    compares the objects of the CUDA plug-in with the table
  ... --write                                     makes the table

Needs cuobjdump, from the CUDA Toolkit or from PyPI (nvidia-cuda-cuobjdump and nvidia-cuda-nvdisasm), on the path. Exit code 1 if
a loop differs from the table or has more instructions than BOUNDS allow, 77 if there is nothing to compare with, or another
compiler.
"""

import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys

from resources import ARCHITECTURE, SKIP, arguments_of, compare, demangled, readable

TABLE = pathlib.Path(__file__).resolve().parents[2] / "kernels/cuda/instructions.md"

# The most FP64 instructions a pair or term: what the names of the kernels begin with, the bound, and what it counts. A
# reciprocal takes one approximation, which another unit makes, and about five multiply-adds.
BOUNDS = [
    ("pair_sum PairWeightsWithMoments<ProductWeight<1>", 2.5, "two products, and two additions for four rows"),
    ("pair_sum PairWeightsWithMoments<ProductWeight<2>", 4.5, "four products, and two additions for four rows"),
    ("pair_sum PairWeightsWithMoments<TableWeight", 3, "two products, and two additions for two rows"),
    ("pair_sum PairWeightsWithMoments<OperatorWeight", None, "the innermost loop is over the displacements and orbitals of a pair"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>, PlainSource>, PairThermal<Ohmic", 58, "OhmicSpectrum and two products"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>, PlainSource>, PairThermal<Lorentzian", 9, "LorentzianSpectrum and two products"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>, RescaledSource>, PairThermal<Lorentzian", 9, "the same"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>, RescaledVariation>, PairThermal<Lorentzian", 9, "the same"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>, WeightedSource>, PairThermal<Lorentzian", 9, "the same"),
    ("pair_sum TwoPairSums<PairWeights<TableWeight<true>", 80, "RescaledOhmicSpectrum and two products"),
    ("pair_sum PairThermal<LorentzianSpectrum", 7, "a difference, a square, a reciprocal and two products"),
    ("pair_sum PairThermal<OhmicSpectrum", 56, "an exponential, e^x - 1 and a reciprocal"),
    ("pair_sum PairThermal<RescaledOhmicSpectrum", 78, "two exponentials, e^x - 1 and a reciprocal"),
    ("pair_sum SteepExponents", 7, "a product, two differences and two maxima"),
    ("row_sum hubbard::SelfEnergyRows<hubbard::FoldedArguments, false>", 8, "a quarter of a reciprocal and the sum of four fractions"),
    ("row_sum hubbard::SelfEnergyRows<hubbard::PointArguments, false>", 8, "the same"),
    ("row_sum hubbard::SelfEnergyRows<hubbard::FoldedArguments, true>", 11, "the same, with widths that depend on the argument"),
    ("row_sum hubbard::SelfEnergyRows<hubbard::PointArguments, true>", 11, "the same"),
]

FP64 = ("DADD", "DMUL", "DFMA", "DSETP", "DMNMX")
Loop = collections.namedtuple("Loop", "items instructions fp64 approximations shared_loads global_loads")


def functions(code):
    """Mangled name and [(address, instruction)] of every function in the output of cuobjdump -sass."""
    name, instructions = "", []
    for line in code.splitlines():
        if "Function :" in line:
            if name:
                yield name, instructions
            name, instructions = line.partition(":")[2].strip(), []
        elif match := re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(.*?);", line):
            instructions.append((int(match[1], 16), match[2]))
    if name:
        yield name, instructions


def innermost_loops(instructions):
    """The instructions of every loop that holds no other: from where a branch goes back to up to the branch."""
    ends = []
    for address, text in instructions:
        match = re.search(r"\bBRA(?:\.\w+)* .*?\b0x([0-9a-f]+)", text)
        if match and int(match[1], 16) < address:
            ends.append((int(match[1], 16), address))
    for first, last in ends:
        if not any((a, b) != (first, last) and first <= a and b <= last for a, b in ends):
            yield [text for address, text in instructions if first <= address <= last]


def operation(text):
    return re.sub(r"^@!?\w+ ", "", text).split()[0]


def step(loop):
    """By how much the counter of a loop, which the loop changes by a constant and compares, grows or falls."""
    compared = {word for text in loop if "ISETP" in operation(text) for word in re.findall(r"\bU?R\d+\b", text)}
    steps = set()
    for text in loop:
        match = re.search(r"\b(?:UIADD3|IADD3|VIADD) (\w+), (\w+), (-?0x[0-9a-f]+)\b", text)
        if match and match[1] == match[2] and match[1] in compared:
            value = int(match[3], 16)
            steps.add(min(abs(value), 2**32 - value))  # a negative number may be written as an unsigned one
    if len(steps) != 1:
        raise RuntimeError(f"a loop has not one counter, but steps of {sorted(steps)}")
    return steps.pop()


def fp64_of(loop):
    return sum(operation(text).split(".")[0] in FP64 for text in loop)


def counts_of(loop, width):
    names = collections.Counter(operation(text).split(".")[0] for text in loop)
    approximations = sum("MUFU.RCP64H" in text for text in loop)
    return Loop(width * step(loop), len(loop), fp64_of(loop), approximations, names["LDS"], names["LDG"])


def width_of(name):
    """Rows or arguments that a lane of a pair or row kernel keeps: a parameter of its PairBlock or RowBlock."""
    for parameter in arguments_of(name)[1]:
        function, parameters = arguments_of(parameter)
        if function.endswith("PairBlock"):
            return int(parameters[1])
        if function.endswith("RowBlock"):
            return int(parameters[2])
    raise ValueError(f"{name} has neither a PairBlock nor a RowBlock")


def loops_of(objects, cuobjdump):
    """Readable name of every pair and row kernel -> the innermost loop with the most FP64 instructions."""
    result = {}
    for path in objects:
        code = subprocess.run([cuobjdump, "-sass", "-arch", ARCHITECTURE, path], capture_output=True, text=True, check=True).stdout
        found = dict(functions(code))
        named = demangled(list(found))
        for symbol, instructions in found.items():
            name = readable(named[symbol])
            if name.startswith(("pair_sum ", "row_sum ")):
                loop = max(innermost_loops(instructions), key=fp64_of)
                result[name] = counts_of(loop, width_of(named[symbol]))
    return result


def bound_for(name):
    return next(((most, what) for start, most, what in BOUNDS if name.startswith(start)), None)


def table_of(loops, compiler):
    lines = [
        f"<!-- Made by tests/kernels/instructions.py --write from a build with nvcc {compiler}; scripts/check instructions compares. -->",
        "",
        f"# Instructions of the loops over pairs and terms on {ARCHITECTURE}",
        "",
        "Of one pass through the innermost loop, for one thread: the pairs or terms that it adds; all instructions; those of the FP64",
        "units; approximate reciprocals, which another unit makes; reads of shared and of global memory. Functions that are called are",
        "left out.",
        "",
        "| kernel | pairs or terms | instructions | FP64 | reciprocals | shared | global | FP64 a pair or term | at most | for |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, loop in sorted(loops.items()):
        most, what = bound_for(name) or (None, "")
        counted = f"{loop.fp64 / loop.items:.3g}" if most else "-"
        lines.append("| " + " | ".join([f"`{name}`", *map(str, loop), counted, str(most or "-"), what]) + " |")
    return "\n".join(lines) + "\n"


def beyond_bounds(loops):
    for name, loop in sorted(loops.items()):
        known = bound_for(name)
        if known is None:
            yield f"{name} has no bound"
        elif known[0] and loop.fp64 > known[0] * loop.items:
            yield f"{name}: {loop.fp64} FP64 instructions for {loop.items} pairs or terms; {known[0]} each are allowed"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="*", metavar="OBJECT")
    parser.add_argument("--compiler", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    cuobjdump = shutil.which("cuobjdump")
    if not options.objects or not cuobjdump:
        print("skipped: " + ("cuobjdump is not on the path" if options.objects else "the build has no CUDA plug-in"))
        return SKIP
    loops = loops_of(options.objects, cuobjdump)
    if not loops:
        print(f"skipped: the CUDA plug-in was not built for {ARCHITECTURE}")
        return SKIP
    return compare(TABLE, table_of(loops, options.compiler), list(beyond_bounds(loops)), options)


if __name__ == "__main__":
    sys.exit(main())
