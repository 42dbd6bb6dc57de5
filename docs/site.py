#!/usr/bin/env python3
"""Writes the pages of the site that come from the package itself: its API, and the published figures.

    PYTHONPATH=build/python docs/site.py FOLDER [--program build/bin/lindrift]

Without the program the page of the figures only lists them.
"""

import argparse
import inspect
import pathlib
import re
import subprocess

import lindrift as ld

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLASSES = {
    "Models": ["TggeChain", "TggeRashba", "TggeLattice", "HatsugaiKohmoto", "OrbitalHatsugaiKohmoto", "HubbardChain"],
    "Baths and states": ["ThermalBath", "RamanJump", "DephasingJump", "JumpOperators", "TableJump", "UniformCoupling", "LocalCoupling",
                         "OpenBath", "OrbitalBath", "InitialState"],
    "Results": ["SteadyState", "Relaxation", "LatticeSteadyState", "LatticeRelaxation", "GreensFunction", "Spectrum", "Density",
                "HubbardGreensFunction", "HubbardSpectrum", "HubbardExact", "HubbardSteadyState", "Transport", "Poles", "OrbitalSteadyState",
                "OrbitalSpectrum", "OrbitalGreensFunction",
                "Result", "Field"],
}
FUNCTIONS = {
    "Tasks": ["steady_state", "relax", "gradient", "noise", "green", "spectral", "density", "poles", "exact", "transport", "sweep"],
    "Files and the program": ["read_toml", "run", "load"],
    "This build": ["simd_level", "blas_library", "cuda_device_count"],
}
ERRORS = ["LindriftError", "ParameterError", "ShapeError", "UnsupportedError", "NumericalError", "DeviceError"]


def escaped(text):
    return text.replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;").replace("_", "\\_").replace("\n", " ").replace("$", "\\$")


def stub_signatures():
    """Name of a function -> its signatures, from the type stubs."""
    found = {}
    for match in re.finditer(r"^def (\w+)\((.*)\) -> (.*?): *(?:\.\.\.)?$", (pathlib.Path(ld.__file__).parent / "_lindrift.pyi").read_text(),
                             re.MULTILINE):
        found.setdefault(match[1], []).append(f"{match[1]}({match[2]}) -> {match[3]}")
    return found


def attributes(one):
    return [(name, inspect.getattr_static(one, name)) for name in vars(one)
            if isinstance(inspect.getattr_static(one, name), property) and not name.startswith("_")]


def of_class(name):
    one = getattr(ld, name)
    lines = [f"### {name}", "", escaped((one.__doc__ or "").partition("\n\nParameters\n")[0]), ""]
    if attributes(one):
        lines += ["| attribute | |", "|---|---|"]
        lines += [f"| `{attribute}` | {escaped(held.__doc__ or '')} |" for attribute, held in attributes(one)]
    return [*lines, ""]


def of_function(name, stubs):
    one = getattr(ld, name)
    if name in stubs:
        signatures = [text.replace("numpy.typing.", "").replace("collections.abc.", "") for text in stubs[name]]
        docs = [part for part in re.split(r"\n\n", one.__doc__ or "")]
        text = re.sub(r"(?m)^.*->.*$\n?", "", "\n\n".join(docs)).replace("Overloaded function.", "").strip()
        text = re.sub(r"^\d\. ``.*$\n*", "", text, flags=re.MULTILINE).strip()
    else:
        signatures = [f"{name}{inspect.signature(one)}".replace("typing.", "").replace("collections.abc.", "")]
        text = inspect.getdoc(one)
    return [f"### {name}", "", "```python", *signatures, "```", "", "```text", text, "```", ""]


def api():
    stubs = stub_signatures()
    lines = ["# API of Python", "", "From the docstrings of the package; `help(lindrift.TggeChain)` shows the same. Models do not change once they are",
             "made: `model.replace(sites=200)` makes another one. `model.to_toml()` writes it as an input file.", ""]
    for title, names in FUNCTIONS.items():
        lines += [f"## {title}", ""] + [line for name in names for line in of_function(name, stubs)]
    for title, names in CLASSES.items():
        lines += [f"## {title}", ""] + [line for name in names for line in of_class(name)]
    lines += ["## Exceptions", "", "| | |", "|---|---|"]
    lines += [f"| `{name}` | {escaped(inspect.getdoc(getattr(ld, name)))} |" for name in ERRORS]
    missing = [name for name in ld.__all__ if name not in "\n".join(lines)]
    if missing:
        raise SystemExit(f"site.py: the page of the API lacks {', '.join(missing)}")
    return "\n".join(lines) + "\n"


def figures(folder, program):
    from lindrift.figures import FIGURES
    pictures = folder / "published"
    if program:
        # What it says of backends and baths is for those who run it.
        subprocess.run([program, "figures", "-o", str(pictures), "--log", "error"], check=True, stdout=subprocess.DEVNULL)
    lines = ["# Published figures", "", "`lindrift figures NAME` computes and draws each of these from `examples/`.", ""]
    for name, figure in FIGURES.items():
        lines += [f"## {name}", "", f"{figure.title}. Input: " + ", ".join(f"`examples/{one}.toml`" for one in figure.inputs) + ".", ""]
        if program:
            lines += [f"![{figure.title}](published/{name}.png)", ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--program")
    options = parser.parse_args()
    (options.folder / "api.md").write_text(api())
    (options.folder / "figures.md").write_text(figures(options.folder, options.program))


if __name__ == "__main__":
    main()
