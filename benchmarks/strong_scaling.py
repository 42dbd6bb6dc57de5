#!/usr/bin/python3
"""Strong scaling over the ranks of one machine: a campaign of many points, and one large shared problem of each kind.

    benchmarks/strong_scaling.py [--ranks R] [--program FILE] [--latency S] [--bandwidth B] [--out DIR] [--quick] [NAME]...

Prints, stores and draws for 1 .. R ranks the time of a run, the efficiency T(1) / (R T(R)), and the share of rank 0's
time spent in communication, including waiting for others. Each rank has one thread. The fastest of three runs counts.

It also forecasts more ranks on a network with the given latency (seconds) and bandwidth (bytes per second). The
forecast is a model, not a measurement:

    campaign   T(R) = serial + max(longest point, (T(1) - serial) / R) + claims / R * latency
    problem    T(R) = serial + (T(1) - serial) / R
                      + exchanges * 2 * ceil(log2 R) * latency + exchanged bytes / bandwidth * (R - 1) / R

T(1), exchanges (each a word that says whether all are well, and the gathering of an array), bytes and claims are as
measured here. `serial`, the time that does not shrink with the number of ranks, is what explains the time with the most
ranks in addition to the measured communication: (R T(R) - R communication - T(1)) / (R - 1), at least 0. It includes
whatever else made that run slow, such as memory that the ranks of one machine share. Points of the campaign all take
the same time.
"""

import math
import os
import pathlib
import re
import subprocess
import tempfile

import ranks

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
"bath.inverse_temperature" = {{ start = 1.0, stop = 1.1, count = {points} }}
"""
SEPARABLE = """[model]
kind = "tgge_chain"
sites = {sites}
[bath]
nonequilibrium_fraction = 0.5
[solver]
algorithm = "separable"
[task]
kind = "steady_state"
[output]
fields = ["current"]
"""
DIRECT = SEPARABLE.replace("[solver]", 'spectrum = "lorentzian"\n[solver]').replace('"separable"', '"direct"')
RELAX = DIRECT.replace('"steady_state"', '"relax"\ntimes = [0.0, 5.0, 10.0]')
HATSUGAI_KOHMOTO = """[model]
kind = "hatsugai_kohmoto"
sites = {sites}
interaction = 4.0
[bath.down]
gain = 1.5
two_site_loss = 0.5
[task]
kind = "green"
times = {{ start = 1.0, stop = 1000.0, count = {times} }}
[output]
fields = ["drift", "norm"]
"""
HUBBARD = """[model]
kind = "hubbard"
sites = {sites}
interaction = 2.0
[bath.down]
gain = 0.2
two_site_loss = 2.0
[task]
kind = "spectral"
frequencies = {{ start = -6.0, stop = 6.0, count = {frequencies} }}
broadening = 0.01
[solver]
algorithm = "{algorithm}"
[output]
fields = ["spectral_function"]
"""


def problems(quick):
    """Inputs by name: about five seconds each on one rank, or well below one with `quick`."""
    return {
        "campaign": CAMPAIGN.format(sites=256 if quick else 1024, points=20 if quick else 200),
        "tgge_separable": SEPARABLE.format(sites=200_000 if quick else 4_000_000),
        "tgge_direct": DIRECT.format(sites=512 if quick else 4096),
        "tgge_relax": RELAX.format(sites=256 if quick else 1024),
        "hatsugai_kohmoto": HATSUGAI_KOHMOTO.format(sites=4096 if quick else 65536, times=2000 if quick else 3000),
        "hubbard_fft": HUBBARD.format(sites=256 if quick else 4096, frequencies=200 if quick else 400, algorithm="fft"),
        "hubbard_direct": HUBBARD.format(sites=64 if quick else 256, frequencies=200 if quick else 1000, algorithm="direct")}


def options():
    parser = ranks.parser(__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="only these: " + ", ".join(problems(True)))
    parser.add_argument("--ranks", type=int, default=os.cpu_count())
    parser.add_argument("--latency", type=float, default=2e-6)
    parser.add_argument("--bandwidth", type=float, default=12.5e9)
    settings = parser.parse_args()
    for name in settings.names:
        if name not in problems(True):
            parser.error(f"no problem is called {name}")
    return settings


def measure(program, folder, name, count):
    """Seconds of the run as printed by the program, and what it reports of its communication."""
    import h5py

    command = [*ranks.mpirun(count), program, "run", f"{name}.toml", "-o", "out.h5", "--overwrite", "--threads", "1", "--log", "debug"]
    best = None
    for _ in range(3):
        done = subprocess.run(command, cwd=folder, env=ranks.ENVIRONMENT, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(done.stderr)
        with h5py.File(folder / "out.h5") as file:
            seconds = float(file.attrs["elapsed_seconds"])
        if best is not None and seconds >= best["seconds"]:
            continue
        said = lambda pattern: next(iter(re.findall(pattern, done.stderr)), None)
        claims, claim_seconds = said(r"took points (\d+) times in ([\d.]+) s") or (0, 0)
        exchanges, size, exchange_seconds = said(r"sharing points took (\d+) exchanges of (\d+) bytes in ([\d.]+) s") or (0, 0, 0)
        best = {"ranks": count, "seconds": seconds, "claims": int(claims), "exchanges": int(exchanges), "bytes": int(size),
                "communication_seconds": float(claim_seconds) + float(exchange_seconds)}
    return best


def forecast(rows, points, settings):
    alone, most = rows[0]["seconds"], rows[-1]
    serial = 0.0
    if most["ranks"] > 1:
        share = most["seconds"] - most["communication_seconds"]
        serial = min(alone, max(0.0, (most["ranks"] * share - alone) / (most["ranks"] - 1)))
    table = []
    for count in (2, 4, 8, 16, 32, 64, 128, 256):
        seconds = serial + max((alone - serial) / points if points > 1 else 0.0, (alone - serial) / count)
        if points > 1:
            seconds += points / count * settings.latency
        else:
            seconds += (most["exchanges"] * 2 * math.ceil(math.log2(count)) * settings.latency
                        + most["bytes"] / settings.bandwidth * (count - 1) / count)
        table.append({"ranks": count, "seconds": seconds, "efficiency": alone / (count * seconds)})
    return {"serial_seconds": serial, "rows": table}


def draw(results, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.5, 4.5))
    for index, (name, result) in enumerate(results["problems"].items()):
        for rows, style, what in ((result["measured"], "o-", "measured"), (result["forecast"]["rows"], ":", "forecast")):
            axis.plot([row["ranks"] for row in rows], [row["efficiency"] for row in rows], style, color=f"C{index}",
                      label=f"{name}, {what}")
    axis.set(xscale="log", xlabel="ranks", ylabel="efficiency", ylim=(0, 1.15))
    axis.set_title("strong scaling; dotted lines are a model, not measured", fontsize=9)
    axis.legend(fontsize=6, ncol=2)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main():
    settings = options()
    inputs = problems(settings.quick)
    results = {"machine": ranks.machine(), "fabric": {"latency": settings.latency, "bandwidth": settings.bandwidth},
               "forecast_is_a_model": True, "problems": {}}
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        for name in settings.names or inputs:
            (folder / f"{name}.toml").write_text(inputs[name])
            rows = []
            print(f"{name}\n  ranks   seconds  efficiency  communication")
            for count in range(1, settings.ranks + 1):
                row = measure(settings.program, folder, name, count)
                rows.append(row)
                row["efficiency"] = rows[0]["seconds"] / (count * row["seconds"])
                row["communication_share"] = row["communication_seconds"] / row["seconds"]
                print(f"  {count:5} {row['seconds']:9.3f} {row['efficiency']:11.3f} {row['communication_share']:14.4f}")
            points = int(re.search(r"\[sweep\].*count = (\d+)", inputs[name], re.S)[1]) if name == "campaign" else 1
            model = forecast(rows, points, settings)
            print("  forecast (a model, not measured): " + ", ".join(
                f"{row['ranks']}: {row['efficiency']:.2f}" for row in model["rows"]))
            results["problems"][name] = {"input": inputs[name], "measured": rows, "forecast": model}
    ranks.store(results, settings.out, "strong_scaling")
    draw(results, pathlib.Path(settings.out) / "strong_scaling.png")


if __name__ == "__main__":
    main()
