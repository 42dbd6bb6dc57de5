#!/usr/bin/env python3
"""Compares docs/input.md with the program: keys, defaults, ranges, what may be swept, datasets, attributes, and the TOML in it
and in README.md.

    docs/check_input.py [PROGRAM]      default: build/bin/lindrift; needs h5py; exit code 1 and a line for each difference
"""

import itertools
import math
import pathlib
import re
import subprocess
import sys
import tempfile

import h5py

DOCS = pathlib.Path(__file__).resolve().parent
PROGRAM = sys.argv[1] if len(sys.argv) > 1 else str(DOCS.parent / "build/bin/lindrift")
TGGE = ("relax", "steady_state")
MODELS = {"tgge_chain": TGGE, "tgge_rashba": TGGE, "hatsugai_kohmoto": ("green", "spectral", "density"),
          "hubbard": ("green", "spectral")}
TASKS = [*TGGE, *MODELS["hatsugai_kohmoto"]]
SITES = 6
PAIRS = [(model, task) for model, tasks in MODELS.items() for task in tasks]
# Where a key that several models and tasks share is looked at.
FIRST = {"tgge_chain": ("tgge_chain", "relax"), "tgge_rashba": ("tgge_chain", "relax"),
         "hatsugai_kohmoto": ("hatsugai_kohmoto", "green"), "hubbard": ("hubbard", "green")}
complaints = []


def call(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def rows(text, first_column):
    """Rows of the tables whose first column has that title, each with the heading above it."""
    heading, inside = "", False
    for line in text.splitlines():
        if line.startswith("#"):
            heading, inside = line, False
        elif line.startswith(f"| {first_column} |"):
            inside = True
        elif inside and line.startswith("|---"):
            continue
        elif inside and line.startswith("|"):
            yield heading, [cell.strip() for cell in line.strip("|").split("|")]
        else:
            inside = False


def program_keys(model, task):
    """Key -> (default, help) as `lindrift models` prints them."""
    keys, wanted = {}, False
    for line in call("models", model)[1].splitlines():
        if line.startswith("task "):
            wanted = line.startswith(f"task {task}:")
        entry = re.match(r"  (\S+)\s+(\S.{32,}?)\s+(\S.*)$", line)
        if wanted and entry:
            keys[entry[1]] = (entry[2].strip(), entry[3])
    return keys


def base_input(folder, model, task):
    path = pathlib.Path(folder) / f"{model}_{task}.toml"
    grid = {"steady_state": "", "spectral": "frequencies = [0.1, 1.0]\n"}.get(task, "times = [0.0, 1.0]\n")
    bath = "[bath]\nnonequilibrium_fraction = 0.5" if task in TGGE else "[bath.down]\ngain = 0.5\nloss = 0.3"
    path.write_text(f'[model]\nkind = "{model}"\nsites = {SITES}\n{bath}\n[task]\nkind = "{task}"\n{grid}')
    return str(path)


def accepts(path, key, value):
    spectrum = ["--set", "bath.spectrum=ohmic"] if key == "bath.spectrum_width" else []
    down = ["--set", "bath.dephasing_down=1.0"] if key == "bath.dephasing_up" else []
    return call("check", path, *spectrum, *down, "--set", f"{key}={value}")[0] == 0


def check_range(path, key, kind, allowed):
    for bound, text in re.findall(r"(>=|<=|>|<) ([-+0-9.e]+)", allowed):
        value = float(text)
        step = 1.0 if kind == "integer" else max(abs(value), 1.0) * 1e-3
        outside = value - step if bound[0] == ">" else value + step
        show = (lambda x: f"[{x}]") if kind == "grid" else (lambda x: str([x] * SITES)) if kind == "reals" else (lambda x: str(int(x)) if kind == "integer" else repr(x))
        if accepts(path, key, show(outside)):
            complaints.append(f"{key}: {outside} is accepted, input.md says {allowed}")
        if accepts(path, key, show(value)) != bound.endswith("="):
            complaints.append(f"{key}: {value} against input.md's {allowed}")


def check_keys(text, folder):
    documented = {}
    for heading, (key, kind, default, allowed, swept, _) in rows(text, "key"):
        models = [m for m in MODELS if m in heading] or MODELS
        tasks = [t for t in TASKS if f"`{t}`" in heading] or TASKS
        for model, task in itertools.product(models, tasks):
            if (model, task) not in PAIRS:
                continue
            documented.setdefault((model, task), {})[key.strip("`")] = (kind, default.strip("`"), allowed, swept == "yes")
    for (model, task), keys in documented.items():
        known, path = program_keys(model, task), base_input(folder, model, task)
        for key in sorted(set(known) ^ (set(keys) - {"model.kind", "task.kind"})):
            complaints.append(f"{model}, {task}: {key} is only in {'the program' if key in known else 'input.md'}")
        for key, (kind, default, allowed, swept) in keys.items():
            if key not in known:
                continue
            if known[key][0] != default:
                complaints.append(f"{key}: default {default}, the program has {known[key][0]}")
            if kind == "text" and known[key][1].count(" | ") and sorted(re.findall(r"`(\w+)`", allowed)) != sorted(
                known[key][1].rsplit(": ", 1)[1].split(" | ")):
                complaints.append(f"{key}: choices {allowed}, the program has {known[key][1]}")
            if (model, task) != FIRST[model] and key in documented[FIRST[model]]:
                continue  # one model and task are enough for what all share
            check_range(path, key, kind, allowed)
            refused = "cannot be swept" in call("check", path, "--set", f'sweep."{key}"=[0.5]')[1]
            if refused == swept:
                complaints.append(f"{key}: swept {swept}, the program {'refuses' if refused else 'allows'} it")


def check_output(text, folder):
    documented = {row[0].strip("`"): row[1:] for _, row in rows(text.replace("\\|", "!"), "dataset")}
    every = {name for _, row in rows(text, "root attribute") for name in re.findall(r"`(\w+)`", row[0])}
    met = set()
    for model, task in PAIRS:
        attributes = {name for name in every if task in TGGE or not name.startswith("parity")}
        swept = "bath.coupling" if task in TGGE else "model.interaction"
        path, output = base_input(folder, model, task), str(pathlib.Path(folder) / f"{model}_{task}.h5")
        code, message = call("run", path, "-o", output, "--set", f'sweep."{swept}"=[0.1, 0.2]')
        if code != 0:
            complaints.append(f"{model}, {task}: a run gives exit code {code}: {message}")
            continue
        with h5py.File(output) as file:
            if set(file.attrs) != attributes:
                complaints.append(f"{model}, {task}: attributes differ: {sorted(set(file.attrs) ^ attributes)}")
            for name, dataset in file.items():
                if name == swept:
                    continue
                if name not in documented:
                    complaints.append(f"{model}, {task}: dataset {name} is not in input.md")
                    continue
                met.add(name)
                dimensions, units, kind, _ = documented[name]
                wanted = re.sub(r"\[time,?\]", "time" if task in ("relax", "density") else "", dimensions)
                wanted = wanted.replace("[band,]", "band" if model == "tgge_rashba" else "")
                is_coordinate = dataset.attrs.get("CLASS") == b"DIMENSION_SCALE"
                found = [name] if is_coordinate else [axis[0].name.strip("/") for axis in dataset.dims]
                if found != ([] if is_coordinate else [swept]) + wanted.replace(",", " ").split():
                    complaints.append(f"{model}, {task}: {name} has dimensions {found}")
                if dataset.attrs["units"] not in (units, units.encode()):
                    complaints.append(f"{model}, {task}: {name} has units {dataset.attrs['units']}")
                found = "text" if dataset.dtype.kind == "O" else {"float64": "real"}.get(str(dataset.dtype), str(dataset.dtype))
                if found != kind:
                    complaints.append(f"{model}, {task}: {name} has type {found}")
    for name in sorted(set(documented) - met):
        complaints.append(f"dataset {name} is in input.md and no run makes it")


def check_examples(path, folder):
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", path.read_text(), re.DOTALL)):
        one = pathlib.Path(folder) / f"example{number}.toml"
        one.write_text(block)
        code, message = call("check", str(one))
        if code != 0:
            complaints.append(f"{path.name}, TOML block {number + 1}: {message}")


def main():
    text = (DOCS / "input.md").read_text()
    with tempfile.TemporaryDirectory() as folder:
        check_keys(text, folder)
        check_output(text, folder)
        for path in (DOCS / "input.md", DOCS.parent / "README.md"):
            check_examples(path, folder)
    print("\n".join(dict.fromkeys(complaints)) or "docs/input.md agrees with the program")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
