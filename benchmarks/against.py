#!/usr/bin/python3
"""Compares two builds of the benchmarks: every one with one thread that both have is run in pairs, one build right after the
other and in turn the first, and the ratio of the two times is printed with its spread over the pairs. A drift of the machine is the
same for both members of a pair and drops out. Part of scripts/benchmark --against.

  against.py [--revision NAME] [--pairs N] [--seconds S] [--output FILE] HERE OTHER NAME...

HERE and OTHER are folders with the programs NAME_benchmark.
"""

import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

# What a benchmark measures; without any of these, the time of Google Benchmark.
COUNTERS = ("ns_per_pair", "ns_per_mode", "ns_per_site", "solver_seconds", "seconds")


def benchmarks_of(program):
    """Names of the benchmarks with one thread."""
    listed = subprocess.run([program, "--benchmark_list_tests"], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.splitlines() if "threads:0" not in name]


def time_of(program, name, seconds):
    """One measurement, or None if the benchmark reports an error."""
    with tempfile.NamedTemporaryFile() as output:
        subprocess.run([program, f"--benchmark_filter=^{re.escape(name)}$", f"--benchmark_min_time={seconds}",
                        f"--benchmark_out={output.name}", "--benchmark_out_format=json"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)  # fmt: skip
        results = json.loads(pathlib.Path(output.name).read_text())["benchmarks"]
    if len(results) != 1 or "error_occurred" in results[0]:
        return None
    return next((results[0][counter] for counter in COUNTERS if counter in results[0]), results[0]["real_time"])


def compare(here, other, name, pairs, seconds):
    ratios, times = [], []
    for number in range(pairs):
        both = {}
        for program in (here, other) if number % 2 == 0 else (other, here):
            both[program] = time_of(program, name, seconds)
        if None in both.values():
            return None
        ratios.append(both[other] / both[here])
        times.append(both)
    low, _, high = statistics.quantiles(ratios, n=4) if pairs > 1 else ratios * 3
    return {"benchmark": name, "ratio": statistics.median(ratios), "lower_quartile": low, "upper_quartile": high,
            "minimum": min(ratios), "maximum": max(ratios), "pairs": pairs,
            "here": statistics.median(both[here] for both in times),
            "other": statistics.median(both[other] for both in times)}  # fmt: skip


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--revision", default="the other build")
    arguments.add_argument("--pairs", type=int, default=9)
    arguments.add_argument("--seconds", type=float, default=0.3)
    arguments.add_argument("--output", default="")
    arguments.add_argument("here", type=pathlib.Path)
    arguments.add_argument("other", type=pathlib.Path)
    arguments.add_argument("names", nargs="+", metavar="NAME")
    options = arguments.parse_args()
    print(f"time of {options.revision} over the time here: above 1 where the sources here are faster")
    print(f"{'benchmark':52} {'ratio':>7} {'quartiles':>15} {'all pairs':>15}")
    results, left_out = [], []
    for program in (f"{name}_benchmark" for name in options.names):
        here, other = (str((folder / program).resolve()) for folder in (options.here, options.other))
        missing = [path for path in (here, other) if not pathlib.Path(path).exists()]
        if missing:
            left_out.append(f"{program}: not in {'this build' if missing[0] == here else options.revision}")
            continue
        in_other = set(benchmarks_of(other))
        for name in benchmarks_of(here):
            found = compare(here, other, name, options.pairs, options.seconds) if name in in_other else None
            if found is None:
                left_out.append(f"{name}: {'reports an error' if name in in_other else f'not in {options.revision}'}")
                continue
            results.append(found)
            print(f"{name:52} {found['ratio']:7.3f} {found['lower_quartile']:7.3f} {found['upper_quartile']:7.3f} "
                  f"{found['minimum']:7.3f} {found['maximum']:7.3f}", flush=True)  # fmt: skip
    for line in left_out:
        print(f"left out: {line}")
    if options.output:
        pathlib.Path(options.output).write_text(json.dumps({"revision": options.revision, "benchmarks": results}, indent=1) + "\n")
        print(f"written to {options.output}")
    if not results:
        sys.exit("nothing was compared")


if __name__ == "__main__":
    main()
