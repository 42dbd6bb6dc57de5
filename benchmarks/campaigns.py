#!/usr/bin/python3
"""What a campaign costs in addition to its points, on the ranks of one machine.

    cmake --build build --target lindrift_executable campaign_benchmark
    benchmarks/campaigns.py [--ranks R] [--folder DIR] [--out DIR] [--quick]

Four measurements, each with its median, minimum and maximum over the repetitions:

    makespan   of points of which one in eleven takes ten times as long as the others (100 ms and 10 ms), divided by
               the sum of their times shared evenly; with costs that are known beforehand, so that the long ones come
               first, and without
    claim      seconds to take a point from the queue on rank 0, for each rank while the others compute, and for all at
               once
    journal    share of a 10 ms point that its record costs, for 1 and for 1000 numbers: the time that the rank waits,
               on average and typically (the median over the records). The disk is that of --folder
    memory     peak of each rank over 1000 and over 10^5 points of two sites, and the bytes per point between them

Points take a fixed time by the clock, and ratios are within one run. Averages suffer on a busy machine, medians hardly
do.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import ranks

POINT = """[model]
kind = "tgge_chain"
sites = 2
[task]
kind = "steady_state"
[output]
fields = ["current"]
[sweep]
"bath.nonequilibrium_fraction" = {{ start = 0.0, stop = 1.0, count = {points} }}
"""


def options():
    parser = ranks.parser(__doc__)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--benchmark", default=str(ranks.ROOT / "build/benchmarks/campaign_benchmark"))
    parser.add_argument("--folder", help="where journals are written; default: a temporary folder")
    return parser.parse_args()


def run(command, folder):
    done = subprocess.run(command, cwd=folder, env=ranks.ENVIRONMENT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def summary(values):
    return {"median": statistics.median(values), "least": min(values), "largest": max(values)}


def costs(settings, folder):
    raw = json.loads(run([*ranks.mpirun(settings.ranks), settings.benchmark, str(folder), *["--quick"] * settings.quick], folder))
    claim = lambda numbers: {"median": numbers[0], "percentile_99": numbers[1]}
    at_once = raw["claims_at_once"]
    return {
        "makespan_over_ideal": {"known_costs": summary(raw["makespan_of_known_costs"]),
                                "unknown_costs": summary(raw["makespan_of_unknown_costs"])},
        "claim_seconds": {"counters": raw["counters"],
                          "while_others_compute": [claim(raw[f"claim_of_rank_{rank}_alone"]) for rank in range(settings.ranks)],
                          "all_at_once": [claim(at_once[2 * rank:2 * rank + 2]) for rank in range(settings.ranks)]},
        "journal_share_of_10_ms": {
            f"{numbers}_numbers": {"average": summary(raw[f"journal_waiting_{numbers}"]),
                                   "usual": summary(raw[f"journal_usual_{numbers}"]),
                                   "first_record_seconds": summary(raw[f"journal_first_{numbers}"])} for numbers in (1, 1000)}}


def memory(settings, folder):
    few, many = (100, 10000) if settings.quick else (1000, 100000)
    wrapper = [sys.executable, "-S", "-E", str(ranks.ROOT / "tests/cli/peak_memory.py"), "peak"]
    peaks = {}
    for points in (few, many):
        (folder / "points.toml").write_text(POINT.format(points=points))
        of_runs = []
        for _ in range(3):
            run([*ranks.mpirun(settings.ranks), *wrapper, settings.program, "run", "points.toml", "-o", "points.h5", "--overwrite",
                 "--threads", "1"], folder)
            of_runs.append([int((folder / f"peak.{rank}").read_text()) * 1024 for rank in range(settings.ranks)])
        peaks[points] = [statistics.median(run[rank] for run in of_runs) for rank in range(settings.ranks)]
    return [{"rank": rank, f"bytes_at_{few}_points": peaks[few][rank], f"bytes_at_{many}_points": peaks[many][rank],
             "bytes_a_point": (peaks[many][rank] - peaks[few][rank]) / (many - few)} for rank in range(settings.ranks)]


def show(results):
    for name, spread in results["makespan_over_ideal"].items():
        print(f"makespan, {name.replace('_', ' ')}: {spread['median']:.4f} of the ideal "
              f"({spread['least']:.4f} to {spread['largest']:.4f})")
    claims = results["claim_seconds"]
    for case in ("while_others_compute", "all_at_once"):
        for rank, claim in enumerate(claims[case]):
            print(f"claim, rank {rank}, {case.replace('_', ' ')}: {1e6 * claim['median']:.3f} microseconds, "
                  f"99 of 100 below {1e6 * claim['percentile_99']:.3f} ({claims['counters']})")
    for size, share in results["journal_share_of_10_ms"].items():
        print(f"journal, {size.replace('_', ' ')}: {100 * share['usual']['median']:.2f} % of a 10 ms point usually, "
              f"{100 * share['average']['median']:.2f} % on average")
    for row in results["memory"]:
        few, many = (value for name, value in row.items() if name.startswith("bytes_at"))
        print(f"memory, rank {row['rank']}: {few / 1e6:.1f} MB and {many / 1e6:.1f} MB, {row['bytes_a_point']:.0f} bytes a point")


def main():
    settings = options()
    results = {"machine": ranks.machine(), "ranks": settings.ranks}
    with tempfile.TemporaryDirectory(dir=settings.folder) as place:
        folder = pathlib.Path(place)
        results |= costs(settings, folder)
        results["memory"] = memory(settings, folder)
    show(results)
    ranks.store(results, settings.out, "campaigns")


if __name__ == "__main__":
    main()
