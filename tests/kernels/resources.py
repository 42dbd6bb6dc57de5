#!/usr/bin/env python3
"""The registers, shared memory, stack and spills of the CUDA kernels on an H100, as ptxas reported them to the build.

  resources.py OBJECT... --compiler VERSION    compares OBJECT.resources (cmake/keep_resources.sh) with the table
  ... --write                                  makes the table

Exit code 1 if a kernel differs from the table or spills more than EXCEPTIONS allow, 77 if there is nothing to compare with, or another compiler.
"""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

TABLE = pathlib.Path(__file__).resolve().parents[2] / "kernels/cuda/resources.md"
ARCHITECTURE = "sm_90"
SKIP = 77

# Kernels that may spill: what their names begin with, the most bytes that they store and load, and why.
EXCEPTIONS = [
    ("map lattice::FewOrbitals", 20, "pointers, once for a momentum"),
    ("map hubbard::AddPointRows", 12, "pointers, once for a row"),
    ("map hubbard::AdvanceVolterra", 80, "pointers, once for four steps, outside their sums"),
    ("point_batch_kernel<InMoments<2>", 8, "once for a point"),
    ("point_batch_kernel<ByPanels<", 208, "once for a step of Newton's method"),
    ("point_batch_kernel<Relaxing<", 92, "once for a point"),
    ("PlainRates<", 76, "pointers, once for a stage of a step"),
    ("Relaxation<", 56, "pointers, once for a stage or a step"),
    ("MultiplierGmres<", 24, "pointers, once for a step or a vector"),
    ("MultiplierNewton<", 28, "pointers, once for a step"),
    ("PanelRates<", 20, "pointers, once for a state or a vector"),
    ("PanelScanOn<", 4, "a pointer, outside the loops over levels and boxes"),
    ("clusters::SolverOn<BlockEngine, MultiplierGmres<", 212, "pointers, once for a vector"),
    ("cluster_kernel<", 4, "once for a problem"),
    ("clusters::", 120, "once for a vector: at most 128 registers let a multiprocessor hold four blocks"),
]

Resources = collections.namedtuple("Resources", "registers shared stack stores loads")


def reported(text):
    """Mangled name -> Resources of everything in the report of one object."""
    found = {}
    here, name, numbers = False, "", {}
    for line in text.splitlines():
        if match := re.search(r"Compiling entry function '(\w+)' for '(\w+)'", line):
            here = match[2] == ARCHITECTURE
        elif match := re.search(r"Function properties for (\w+)", line):
            name, numbers = match[1], {}
        elif match := re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line):
            numbers = {"stack": int(match[1]), "stores": int(match[2]), "loads": int(match[3])}
            # A function that is called, not inlined: it has the registers and the shared memory of its callers.
            if here:
                found[name] = Resources(None, None, **numbers)
        elif (match := re.search(r"Used (\d+) registers", line)) and here:
            shared = re.search(r"(\d+) bytes smem", line)
            found[name] = Resources(int(match[1]), int(shared[1]) if shared else 0, **numbers)
    return found


def demangled(names):
    output = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    return dict(zip(names, output.splitlines()))


def arguments_of(name):
    """What lies before the template arguments of the outermost name, and these arguments."""
    start = name.find("<")
    if start < 0:
        return name, []
    parts, depth, first = [], 0, start + 1
    for i in range(start, len(name)):
        depth += {"<": 1, ">": -1}.get(name[i], 0)
        if depth == 0 or (depth == 1 and name[i] == ","):
            parts.append(name[first:i].strip())
            first = i + 1
        if depth == 0:
            break
    return name[:start], parts


VERBS = {"pair_kernel": "pair_sum", "row_kernel": "row_sum", "reduce_kernel": "reduce"}


def readable(name):
    """The verb and its functor, or the function, without namespaces and without what the verbs add."""
    name = re.sub(r"\(anonymous namespace\)::|\b(lindrift|kernels|cuda_device|cuda|tgge|detail|for_each|cub|CUB_\w+)::", "", name)
    name = re.sub(r"^(void|bool|double|auto) ", "", name)
    name = re.sub(r"\((clusters::|hatsugai_kohmoto::|hubbard::)?(\w+)\)(\d+)", r"\2 \3", name)  # enumerators
    function, arguments = arguments_of(name)
    if function == "static_kernel":
        return "map " + arguments[2]
    if function in VERBS:
        return f"{VERBS[function]} {arguments[0]}"
    # Without the parameters, which overloads do not need here.
    depth = 0
    for i, letter in enumerate(name):
        depth += {"<": 1, ">": -1}.get(letter, 0)
        if letter == "(" and depth == 0:
            return name[:i]
    return name


def kernels_of(reports):
    """Readable name -> Resources. Several objects may hold the same kernel."""
    mangled = {}
    for report in reports:
        mangled.update(reported(report.read_text()))
    named = demangled(list(mangled))
    kernels = {}
    for symbol, resources in mangled.items():
        kernels.setdefault(readable(named[symbol]), []).append(resources)
    return kernels


def family_of(name):
    """Maps, which are many and do little for each element, share a line with those of the same functor."""
    return re.sub(r"<.*", "<...>", name) if name.startswith("map ") else name


def spread(values):
    values = [value for value in values if value is not None]
    if not values:
        return "-"
    return str(values[0]) if min(values) == max(values) else f"{min(values)} .. {max(values)}"


def exception_for(name):
    return next(((most, why) for start, most, why in EXCEPTIONS if name.startswith(start)), (0, ""))


def table_of(kernels, compiler):
    families = collections.defaultdict(list)
    for name, several in kernels.items():
        families[family_of(name)] += several
    lines = [
        f"<!-- Made by tests/kernels/resources.py --write from a build with nvcc {compiler}; the test kernel_resources compares. -->",
        "",
        f"# Resources of the kernels on {ARCHITECTURE}",
        "",
        "As `ptxas -v` reports them: registers of a thread; bytes of shared memory of a block; bytes of stack, of spilled stores and of",
        "spilled loads of a thread. Functions that are called and not inlined (-) use the registers of their kernels. A stack without spills",
        "holds arrays that are indexed by variables. A line may stand for several instances of a template, or for the maps of one functor.",
        "",
        "| kernel | instances | registers | shared | stack | spill stores | spill loads | why it may spill |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for family in sorted(families):
        columns = [spread(column) for column in zip(*families[family])]
        cells = [f"`{family}`", str(len(families[family])), *columns, exception_for(family)[1]]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def spilling(kernels):
    for name, several in sorted(kernels.items()):
        most, _ = exception_for(name)
        for resources in several:
            if max(resources.stores, resources.loads) > most:
                yield f"{name} spills: {resources.stores} bytes of stores, {resources.loads} of loads; allowed are {most}"


def compare(path, table, faults, options):
    """Writes a table if asked to, and compares it with the one of the project. Returns the exit code; that of a skipped test if
    another compiler made that one, whose code differs in details."""
    if options.write:
        path.write_text(table)
    known = path.read_text() if path.exists() else ""
    if known.partition("\n")[0] != table.partition("\n")[0]:
        print(f"skipped: nvcc {options.compiler} is not the one that {path.name} was made with: {known.partition(chr(10))[0]}")
        return SKIP
    before, now = set(known.splitlines()), set(table.splitlines())
    for fault in faults:
        print(fault)
    for line in sorted(before - now):
        print(f"only in {path.name}: {line}")
    for line in sorted(now - before):
        print(f"only in the build: {line}")
    if before != now:
        print(f"If this is meant: {sys.argv[0]} --write --compiler {options.compiler} OBJECT...")
    return 1 if faults or before != now else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="*", type=pathlib.Path, metavar="OBJECT")
    parser.add_argument("--compiler", default="")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if not options.objects:
        print("skipped: the build has no CUDA plug-in, because nvcc was not found")
        return SKIP
    reports = [pathlib.Path(f"{path}.resources") for path in options.objects]
    missing = [report for report in reports if not report.exists()]
    if missing:
        print(f"skipped: the CUDA plug-in was not built, or by another way: {missing[0]} is missing")
        return SKIP
    kernels = kernels_of(reports)
    if not kernels:
        print(f"skipped: the CUDA plug-in was not built for {ARCHITECTURE}")
        return SKIP
    return compare(TABLE, table_of(kernels, options.compiler), list(spilling(kernels)), options)


if __name__ == "__main__":
    sys.exit(main())
