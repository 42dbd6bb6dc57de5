"""Strong scaling over the ranks of one machine: a campaign of many points, and one large problem of each kind that ranks share.

    benchmarks/strong_scaling.py [--ranks R] [--program FILE] [--latency S] [--bandwidth B] [--out DIR] [--quick]

Prints and stores for 1 .. R ranks the time of a run, the efficiency T(1) / (R T(R)), the share of rank 0's time that went into
communication (waiting for others included), and a forecast for more ranks on a fabric of the given latency (seconds) and
bandwidth (bytes a second). The forecast is a model and no measurement:

    campaign   T(R) = max(longest point, all points / R) + points / R * latency
    problem    T(R) = T(1) / R + exchanges * 2 * ceil(log2 R) * latency + exchanged bytes / bandwidth * (R - 1) / R

with T(1), exchanges (each a word whether all are well, and the gathering of an array) and bytes as measured here. Each rank has
one thread. Of three runs the fastest counts.
"""

import argparse
import json
import math
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]

CAMPAIGN = """[model]
kind = "tgge_chain"
sites = {sites}
[solver]
algorithm = "direct"
[task]
kind = "steady_state"
[output]
fields = ["current"]
[sweep]
"bath.nonequilibrium_fraction" = {{ start = 0.0, stop = 1.0, count = {points} }}
"""
STEADY = """[model]
kind = "tgge_chain"
sites = {sites}
[bath]
nonequilibrium_fraction = 0.5
spectrum = "lorentzian"
[task]
kind = "steady_state"
[output]
fields = ["current"]
"""
RELAX = """[model]
kind = "tgge_chain"
sites = {sites}
[bath]
nonequilibrium_fraction = 0.5
spectrum = "lorentzian"
[task]
kind = "relax"
times = [0.0, 5.0, 10.0]
[output]
fields = ["current"]
"""


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=os.cpu_count())
    parser.add_argument("--program", default=str(ROOT / "build/bin/lindrift"))
    parser.add_argument("--latency", type=float, default=2e-6)
    parser.add_argument("--bandwidth", type=float, default=12.5e9)
    parser.add_argument("--out", default=str(ROOT / "benchmarks/results"))
    parser.add_argument("--quick", action="store_true", help="small problems, to see that it runs")
    return parser.parse_args()


def measure(program, folder, name, ranks):
    """Seconds of the run as the program tells them in its output, and what it says of its communication."""
    import h5py

    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                       OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl_vader_single_copy_mechanism="none")
    best = None
    for _ in range(3):
        done = subprocess.run(["mpirun", "-n", str(ranks), program, "run", f"{name}.toml", "-o", "out.h5", "--overwrite",
                               "--threads", "1", "--log", "debug"], cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        with h5py.File(folder / "out.h5") as file:
            seconds = float(file.attrs["elapsed_seconds"])
        if best is None or seconds < best["seconds"]:
            claims = re.search(r"took points (\d+) times in ([\d.]+) s", done.stderr)
            team = re.search(r"team made (\d+) exchanges of (\d+) bytes in ([\d.]+) s", done.stderr)
            best = {"ranks": ranks, "seconds": seconds,
                    "claims": int(claims[1]) if claims else 0, "claim_seconds": float(claims[2]) if claims else 0.0,
                    "exchanges": int(team[1]) if team else 0, "bytes": int(team[2]) if team else 0,
                    "exchange_seconds": float(team[3]) if team else 0.0}
    return best


def forecast(kind, rows, settings, points):
    alone, most = rows[0]["seconds"], rows[-1]
    table = []
    for ranks in (2, 4, 8, 16, 32, 64, 128, 256):
        if kind == "campaign":
            seconds = max(alone / points, alone / ranks) + points / ranks * settings.latency
        else:
            seconds = (alone / ranks + most["exchanges"] * 2 * math.ceil(math.log2(ranks)) * settings.latency
                       + most["bytes"] / settings.bandwidth * (ranks - 1) / ranks)
        table.append({"ranks": ranks, "seconds": seconds, "efficiency": alone / (ranks * seconds)})
    return table


def draw(results, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 4))
    for index, (name, result) in enumerate(results["problems"].items()):
        measured, model = result["measured"], result["forecast"]
        axis.plot([row["ranks"] for row in measured], [row["efficiency"] for row in measured], "o-", color=f"C{index}",
                  label=f"{name}, measured")
        axis.plot([row["ranks"] for row in model], [row["efficiency"] for row in model], ":", color=f"C{index}",
                  label=f"{name}, forecast")
    axis.set(xscale="log", xlabel="ranks", ylabel="efficiency", ylim=(0, 1.15))
    axis.set_title("strong scaling; dotted lines are a model, not measured", fontsize=9)
    axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    settings = options()
    if shutil.which("mpirun") is None:
        raise SystemExit("strong_scaling: mpirun was not found")
    points = 20 if settings.quick else 200
    inputs = {"campaign": CAMPAIGN.format(sites=256 if settings.quick else 1024, points=points),
              "steady_state": STEADY.format(sites=512 if settings.quick else 4096),
              "relax": RELAX.format(sites=256 if settings.quick else 1024)}
    results = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(),
               "load_at_start": os.getloadavg()[0], "fabric": {"latency": settings.latency, "bandwidth": settings.bandwidth},
               "forecast_is_a_model": True, "problems": {}}
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for name, text in inputs.items():
            (folder / f"{name}.toml").write_text(text)
            rows = []
            print(f"{name}\n  ranks   seconds  efficiency  communication")
            for ranks in range(1, settings.ranks + 1):
                row = measure(settings.program, folder, name, ranks)
                rows.append(row)
                row["efficiency"] = rows[0]["seconds"] / (ranks * row["seconds"])
                row["communication_share"] = (row["claim_seconds"] + row["exchange_seconds"]) / row["seconds"]
                print(f"  {ranks:5} {row['seconds']:9.3f} {row['efficiency']:11.3f} {row['communication_share']:14.4f}")
            model = forecast(name, rows, settings, points)
            print("  forecast (a model, not measured): " + ", ".join(
                f"{row['ranks']}: {row['efficiency']:.2f}" for row in model))
            results["problems"][name] = {"input": text, "measured": rows, "forecast": model}
    out = pathlib.Path(settings.out)
    out.mkdir(parents=True, exist_ok=True)
    (out / "strong_scaling.json").write_text(json.dumps(results, indent=2) + "\n")
    draw(results, out / "strong_scaling.png")
    print(f"written to {out / 'strong_scaling.json'} and .png")


if __name__ == "__main__":
    main()
