#!/usr/bin/python3
"""Merges the JSON of one run of scripts/benchmark into one file and prints it as a table.

  report.py FOLDER OUTPUT    FOLDER holds any of pair_sum.json, reduce.json, panel_scan.json, batch.json, steady_state.json,
                             hatsugai_kohmoto.json (Google Benchmark), and rivals_pair_sum.json, rivals_separable.json,
                             rivals_steady_state.json, rivals_lattice.json, rivals_hatsugai_kohmoto.json, and the same of hubbard
                             and open_lattice; rivals_*.other.json of a second Python
"""

import datetime
import json
import math
import pathlib
import platform
import statistics
import sys


def spread(values):
    return {"median": statistics.median(values), "minimum": min(values), "maximum": max(values), "samples": len(values)}


def growth_exponent(points):
    """Slope of log time over log L, by least squares."""
    x = [math.log(size) for size, _ in points]
    y = [math.log(time) for _, time in points]
    mean_x, mean_y = statistics.mean(x), statistics.mean(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y)) / sum((a - mean_x) ** 2 for a in x)


def google_benchmark(path):
    """Context, and for each benchmark its arguments and every counter over the repetitions."""
    document = json.loads(path.read_text())
    samples = {}
    for line in document["benchmarks"]:
        if "error_occurred" in line:
            sys.exit(f"{line['name']}: {line['error_message']}")
        if line["run_type"] == "iteration":
            samples.setdefault(line["run_name"], []).append(line)
    standard = {
        "name", "family_index", "per_family_instance_index", "run_name", "run_type", "repetitions",
        "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit",
    }  # fmt: skip
    benchmarks = []
    for name, lines in samples.items():
        parts = name.removesuffix("/real_time").removesuffix("/manual_time").split("/")
        arguments = dict(part.split(":") for part in parts if ":" in part)
        entry = {"benchmark": "/".join(part for part in parts if ":" not in part)}
        if "L" in arguments:
            entry["L"] = int(arguments["L"])
        if "steps" in arguments:
            entry["steps"] = int(arguments["steps"])
        entry["threads"] = {"0": "all"}.get(arguments.get("threads"), 1)
        for counter in sorted(set(lines[0]) - standard):
            values = [line[counter] for line in lines]
            entry[counter] = values[0] if len(set(values)) == 1 else spread(values)
        benchmarks.append(entry)
    return document["context"], benchmarks


def median(value):
    return value["median"] if isinstance(value, dict) else value


def attach_rivals(benchmarks, rivals, counter):
    """Adds, for one thread, how many times longer each rival took for the same sum or solution in the same run."""
    for entry in benchmarks:
        if entry["threads"] != 1:
            continue
        ratios = {
            rival["rival"]: round(rival[counter]["median"] / median(entry[counter]), 2)
            for rival in rivals["results"]
            if rival["L"] == entry.get("L") and rival.get("benchmark", entry["benchmark"]) == entry["benchmark"]
        }
        if ratios:
            entry["times_faster_than"] = ratios


def exponents(benchmarks, counter):
    """Growth of the time with L: of all sizes, and of the largest two, where everything is out of the caches. Below 10^4 levels
    a scan by panels takes as long as its panels."""
    result = {}
    for name, threads in sorted({(entry["benchmark"], str(entry["threads"])) for entry in benchmarks if "L" in entry}):
        points = [
            (entry["L"], median(entry[counter]) * entry["L"] ** (2 if counter == "ns_per_pair" else 1))
            for entry in benchmarks
            if (entry["benchmark"], str(entry["threads"])) == (name, threads) and "L" in entry
            and (entry["L"] >= 10000 or not name.endswith("_panels"))
        ]
        if len(points) > 1:
            result[f"{name}, threads {threads}"] = {
                "all sizes": round(growth_exponent(points), 3),
                "largest two": round(growth_exponent(sorted(points)[-2:]), 3),
            }
    return result


def against_pairs(benchmarks):
    """How many times longer than a scan by panels the direct sum over all pairs takes at 2^20 and 10^7 levels. It is measured to
    where it is affordable; beyond, its time is the cost of a pair at the largest measured size times the number of pairs."""
    result = {}
    for entry in benchmarks:
        if not entry["benchmark"].endswith("_panels") or entry["L"] < 1 << 20:
            continue
        pairs = [other for other in benchmarks if other["threads"] == entry["threads"]
                 and other["benchmark"] == entry["benchmark"].replace("_panels", "_pairs")]
        if not pairs:
            continue
        largest = max(pairs, key=lambda other: other["L"])
        ns_per_pair = median(largest["ns_per_mode"]) / largest["L"]
        result[f"{entry['benchmark']}, threads {entry['threads']}, {entry['L']} levels"] = {
            "times": ns_per_pair * entry["L"] / median(entry["ns_per_mode"]),
            "ns per pair": ns_per_pair, "pairs measured at levels": largest["L"],
        }  # fmt: skip
    return result


def attach_hubbard_rivals(benchmarks, rivals):
    """Adds, for one thread, how many times faster it is than each rival, by terms per second or seconds per grid."""
    for entry in benchmarks:
        if entry["threads"] != 1:
            continue
        ratios = {}
        for rival in rivals["results"]:
            if (rival["L"], rival["benchmark"]) != (entry.get("L"), entry["benchmark"]):
                continue
            if "terms_per_second" in rival:
                # Counts terms of the whole sum: a rival has to sum everything that it does not merge or fold.
                ratios[rival["rival"]] = round(median(entry["whole_sum_per_second"]) / rival["terms_per_second"]["median"], 2)
            else:
                ratios[rival["rival"]] = round(rival["seconds"]["median"] / median(entry["seconds"]), 2)
        for direct in benchmarks if entry["benchmark"] == "hubbard_fft" else ():
            if (direct["benchmark"], direct.get("L"), direct["threads"]) == ("hubbard_direct_whole", entry["L"], 1):
                ratios["direct"] = round(median(direct["seconds"]) / median(entry["seconds"]), 2)
        if ratios:
            entry["times_faster_than"] = ratios


def size_of(entry):
    """L, or the number of steps for the propagator, whose L is fixed."""
    return entry.get("steps" if entry["benchmark"] == "hubbard_propagator" else "L")


def hubbard_times(benchmarks):
    """(L, or steps of the propagator, and seconds) for each algorithm and number of threads."""
    points = {}
    for entry in benchmarks:
        points.setdefault(f"{entry['benchmark']}, threads {entry['threads']}", []).append(
            (size_of(entry), median(entry["seconds"])))
    return {name: values for name, values in points.items() if len(values) > 1}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def read_rivals(folder, name):
    """Results in the first Python, and those in the second one under names with its version of NumPy."""
    document = json.loads((folder / f"rivals_{name}.json").read_text())
    other = folder / f"rivals_{name}.other.json"
    if other.exists():
        second = json.loads(other.read_text())
        for result in second["results"]:
            result["rival"] += f" (NumPy {second['numpy']})"
        document["results"] += second["results"]
        document |= {f"other_{library}": second[library] for library in ("numpy", "numba") if library in second}
    return document


def merge(folder):
    context, parts = None, {}
    for name in ("pair_sum", "reduce", "panel_scan", "batch", "steady_state", "hatsugai_kohmoto", "hubbard", "open_lattice"):
        path = folder / f"{name}.json"
        own, parts[name] = google_benchmark(path) if path.exists() else (None, [])
        context = context or own
    rivals = {name: read_rivals(folder, name)
              for name in ("pair_sum", "separable", "panel_scan", "steady_state", "lattice", "hatsugai_kohmoto", "hubbard",
                           "open_lattice")
              if (folder / f"rivals_{name}.json").exists()}
    counters = {"pair_sum": "ns_per_pair", "reduce": "ns_per_mode", "panel_scan": "ns_per_mode",
                "hatsugai_kohmoto": "ns_per_site"}
    growth = {}
    for name, counter in counters.items():
        if rival := rivals.get("separable" if name == "reduce" else name):
            attach_rivals(parts[name], rival, counter)
        growth |= exponents(parts[name], counter)
    for name in ("steady_state", "lattice"):
        if name in rivals:
            attach_rivals(parts["steady_state"], rivals[name], "solver_seconds")
    for part in ("hubbard", "open_lattice"):
        if part in rivals:
            attach_hubbard_rivals(parts[part], rivals[part])
    for name, points in hubbard_times(parts["hubbard"] + parts["open_lattice"]).items():
        growth[name] = {"all sizes": round(growth_exponent(points), 3),
                        "largest two": round(growth_exponent(sorted(points)[-2:]), 3)}
    steady = [entry for entry in parts["steady_state"] if entry["benchmark"].startswith("steady/")]
    numbers = {key: float(value) for key, value in context.items() if "per_second" in key}
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {
            "processor": processor(),
            "processors": context["num_cpus"],
            "mhz": context["mhz_per_cpu"],
            "caches": [f"L{c['level']} {c['type']} {c['size'] // 1024} KiB" for c in context["caches"]],
            "load_average": context["load_avg"],
        },
        "build": {
            key: context[f"lindrift_{key}"] for key in ("version", "git_hash", "compiler", "build_type")
        } | {"simd": context["simd"], "python": platform.python_version()}
        | {library: rival[library] for rival in rivals.values()
           for library in ("numpy", "numba", "other_numpy", "other_numba") if library in rival},
        "clock": "one thread: its processor time, for lindrift and its rivals alike; all threads: wall clock",
        "ceilings": numbers,
        "growth_exponents": growth | exponents(steady, "ns_per_mode"),
        "panels_against_pairs": against_pairs(parts["panel_scan"]),
        "benchmarks": [entry for part in parts.values() for entry in part],
        "rivals": {name: document["results"] for name, document in rivals.items()},
    }  # fmt: skip


def number(value):
    return f"{median(value):.4g}" if value is not None else ""


def table(report):
    build, machine = report["build"], report["machine"]
    print(f"{machine['processor']}, {machine['processors']} processors, {build['simd']}, {build['compiler']}, "
          f"lindrift {build['version']} {build['git_hash']}, {report['date']}")  # fmt: skip
    for name, value in report["ceilings"].items():
        print(f"  {name:42} {value:.3g}")
    print(f"\n{'benchmark':18} {'L':>9} {'threads':>7} {'ns/pair':>9} {'ns/mode':>9} {'ns/site':>9} {'seconds':>9} {'of floor':>8}"
          "  times faster than")  # fmt: skip
    for entry in report["benchmarks"]:
        ratios = ", ".join(f"{name} {ratio:g}" for name, ratio in entry.get("times_faster_than", {}).items())
        print(
            f"{entry['benchmark']:18} {size_of(entry) or '':>9} {entry['threads']:>7} {number(entry.get('ns_per_pair')):>9}"
            f" {number(entry.get('ns_per_mode')):>9} {number(entry.get('ns_per_site')):>9}"
            f" {number(entry.get('solver_seconds', entry.get('seconds'))):>9}"
            f" {number(entry.get('fraction_of_floor')):>8}  {ratios}"
        )
    print("\ntime grows as L, or the steps of the propagator, to the power of")
    for name, exponent in report["growth_exponents"].items():
        sizes = "sizes from 10^4" if "_panels" in name else "all sizes"
        print(f"  {name:24} {exponent['all sizes']:.2f} over {sizes}, {exponent['largest two']:.2f} over the largest two")
    for name, ratio in report["panels_against_pairs"].items():
        print(f"{name}: {ratio['times']:.0f} times faster than the sum over pairs, extrapolated from the {ratio['ns per pair']:.3g} ns that a "
              f"pair takes at {ratio['pairs measured at levels']} levels")  # fmt: skip


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    report = merge(folder)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(report, indent=1) + "\n")
    table(report)
    print(f"\nwritten to {output}")


if __name__ == "__main__":
    main()
