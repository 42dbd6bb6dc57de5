"""python3 -m lindrift plot FILE.h5 [-o FILE.png]; python3 -m lindrift figures [NAME...] --data DIR -o DIR"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import warnings

# Writing a file needs no backend, and matplotlib would stop at a backend name that it does not know.
os.environ["MPLBACKEND"] = "agg"

from . import figures, plot, style  # noqa: E402
from .result import LindriftError, load  # noqa: E402

DONE, FAILED, WRONG_INPUT, STOPPED = 0, 1, 2, 4  # exit codes, the same as the program's


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        return _plot(options) if options.verb == "plot" else _figures(options)
    except LindriftError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        print(f"error: cannot write {error.filename}: {error.strerror}; choose another place with -o", file=sys.stderr)
        return FAILED


def _parser():
    parser = argparse.ArgumentParser(prog="lindrift", description="Draw results of lindrift.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    one = verbs.add_parser("plot", help="a sensible picture of any result file")
    one.add_argument("file", metavar="FILE.h5")
    one.add_argument("-o", "--output", metavar="FILE.png", help="default: the name of FILE with .png, in this folder")
    one.add_argument("--dataset", metavar="NAME", default="", help="draw this dataset")
    one.add_argument("--slice", metavar="KEY=VALUE", action="append", default=[], dest="slices",
                     help="draw the point nearest to this value of a dimension; may be repeated")
    one.add_argument("--log", action="store_true", help="logarithmic scale of the values")
    one.add_argument("--range", metavar="LOW:HIGH", help="limits of the values; either may be left out")

    several = verbs.add_parser("figures", help="the published figures")
    several.add_argument("names", metavar="NAME", nargs="*", help=f"all, or some of: {', '.join(figures.FIGURES)}")
    several.add_argument("--data", metavar="DIR", default=".", help="draw from the result files in this folder")
    several.add_argument("-o", "--output", metavar="DIR", default=".", help="folder for the pictures")
    several.add_argument("--program", metavar="LINDRIFT", help="compute the result files first, into the folder of the pictures")
    several.add_argument("--examples", metavar="DIR", default="examples", help="folder with the inputs of the figures")
    several.add_argument("--run-option", metavar="OPTION", action="append", default=[], help="for LINDRIFT run; may be repeated")
    return parser


def _plot(options):
    stem = os.path.splitext(os.path.basename(options.file))[0]
    output = options.output or f"{stem}.png"
    style.check_picture_name(output)
    low, high = _limits(options.range)
    view = plot.View(options.dataset, tuple(_key_and_value(text) for text in options.slices), options.log, low, high)
    _try_to_load(options.file)
    style.write(plot.draw(load(options.file), view), output)
    print(output)
    return DONE


def _try_to_load(path):
    """Tries to read a file in a separate process: on damaged files the HDF5 library may crash or never return."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # idle BLAS threads do not matter to a reader
        child = os.fork()
    if child == 0:
        with contextlib.suppress(Exception), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
            signal.alarm(10 + os.path.getsize(path) // 50_000_000)
            load(path)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        raise LindriftError(f"{path}: cannot be read: the file is damaged in a way that stops the HDF5 library")


def _key_and_value(text):
    key, mark, value = text.rpartition("=")
    if not (key and mark and value):
        raise LindriftError(f"--slice {text}: must be KEY=VALUE")
    return key, value


def _limits(text):
    """Low and high of LOW:HIGH, None for a limit that is left out."""
    if text is None:
        return None, None
    try:
        low, high = (float(part) if part else None for part in text.split(":"))
    except ValueError:
        raise LindriftError(f"--range {text}: must be LOW:HIGH, two numbers of which one may be left out") from None
    if low is None and high is None or None not in (low, high) and not low < high:
        raise LindriftError(f"--range {text}: LOW must be less than HIGH")
    return low, high


def _figures(options):
    names = list(figures.FIGURES) if not options.names or "all" in options.names else options.names
    for name in names:
        figures.find(name)
    folder = options.data
    if options.program:
        folder = options.output
        try:
            os.makedirs(folder, exist_ok=True)
        except OSError as error:
            print(f"error: cannot make the folder {folder}: {error.strerror}; choose another one with -o", file=sys.stderr)
            return FAILED
        status = _compute(options, dict.fromkeys(one for name in names for one in figures.FIGURES[name].inputs))
        if status != DONE:
            return status
    # All data are checked before the first picture is written.
    drawn = [(name, figures.draw(name, folder)) for name in names]
    os.makedirs(options.output, exist_ok=True)
    for name, figure in drawn:
        path = os.path.join(options.output, f"{name}.png")
        style.write(figure, path)
        print(path)
    return DONE


def _compute(options, inputs):
    """Runs the program anew on every input of the figures and returns the worst exit code."""
    worst, process, stopped = DONE, None, False

    def stop(*_):
        # Let the run end in order. Ctrl-C in a terminal reaches it too, and a second SIGINT would kill it.
        nonlocal stopped
        stopped = True
        if process is not None:
            process.terminate()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, stop)
    for name in inputs:
        print(f"{name}:", flush=True)
        command = [options.program, "run", os.path.join(options.examples, f"{name}.toml"), "--overwrite",
                   "-o", os.path.join(options.output, f"{name}.h5"), *options.run_option]
        process = subprocess.Popen(command)
        status = process.wait()
        worst = max(worst, status if status >= 0 else FAILED)
        if stopped or status == STOPPED:
            return STOPPED
    return worst


if __name__ == "__main__":
    sys.exit(main())
