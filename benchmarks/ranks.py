"""Shared by the measurements on several ranks."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[1]

# Allows more ranks than cores.
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_btl_vader_single_copy_mechanism="none")


def parser(description):
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", type=os.path.abspath, default=str(ROOT / "build/bin/lindrift"))
    options.add_argument("--out", default=str(ROOT / "benchmarks/results"), help="folder of the results")
    options.add_argument("--quick", action="store_true", help="small, to see that it runs")
    return options


def mpirun(ranks):
    if shutil.which("mpirun") is None:
        raise SystemExit("mpirun was not found")
    return ["mpirun", "-n", str(ranks)]


def machine():
    names = [line.partition(":")[2].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return {"processor": names[0] if names else platform.machine(), "cores": os.cpu_count(),
            "load_at_start": os.getloadavg()[0], "date": datetime.date.today().isoformat()}


def store(results, out, name):
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {folder / name}.json")
