#!/usr/bin/python3
"""What the default number of threads costs while another program keeps one core busy.

    cmake --build build --target lindrift_executable
    benchmarks/busy_core.py [--out DIR] [--quick]

A campaign of 60 steady states at 2400 sites with a Lorentzian bath, and one steady state at 10^6 sites: each alone on
one thread, then with all threads, without and with a loop on one core. Threads that spun while they wait would
multiply the last time; sleeping ones at most share the busy core.
"""

import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import ranks

CASES = {
    "60 points of 2400 sites": """[model]
kind = "tgge_chain"
sites = 2400
[bath]
spectrum = "lorentzian"
[task]
kind = "steady_state"
[output]
fields = ["current"]
[sweep]
"bath.nonequilibrium_fraction" = { start = 0.1, stop = 0.9, count = 60 }
""",
    "one point of 1000000 sites": """[model]
kind = "tgge_chain"
sites = 1000000
[bath]
nonequilibrium_fraction = 0.5
[task]
kind = "steady_state"
[output]
fields = ["current"]
"""}


def seconds(program, folder, threads, repetitions):
    command = [program, "run", "case.toml", "-o", "case.h5", "--overwrite"] + ([] if threads is None else ["--threads", str(threads)])
    times = []
    for _ in range(repetitions):
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            raise SystemExit(done.stdout + done.stderr)
    return statistics.median(times)


def main():
    settings = ranks.parser(__doc__).parse_args()
    repetitions = 3 if settings.quick else 9
    results = {"machine": ranks.machine(), "cases": {}}
    for name, text in CASES.items():
        with tempfile.TemporaryDirectory() as place:
            pathlib.Path(place, "case.toml").write_text(text)
            row = {"one_thread": seconds(settings.program, place, 1, repetitions),
                   "all_threads": seconds(settings.program, place, None, repetitions)}
            loop = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            try:
                row["all_threads_busy_core"] = seconds(settings.program, place, None, repetitions)
            finally:
                loop.kill()
                loop.wait()
            row["busy_over_one_thread"] = row["all_threads_busy_core"] / row["one_thread"]
        results["cases"][name] = row
        print(f"{name}: one thread {row['one_thread']:.3f} s, all threads {row['all_threads']:.3f} s, with a busy core "
              f"{row['all_threads_busy_core']:.3f} s, {row['busy_over_one_thread']:.2f} times one thread alone")
    ranks.store(results, settings.out, "busy_core")


if __name__ == "__main__":
    main()
