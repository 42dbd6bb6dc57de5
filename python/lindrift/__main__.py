"""python3 -m lindrift plot FILE.h5 [-o FILE.png]; python3 -m lindrift figures --data DIR -o DIR [NAME...]"""

import argparse
import os
import sys

from . import figures, plot, style
from .result import LindriftError, load

DONE, FAILED, WRONG_INPUT = 0, 1, 2


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="lindrift", description="Draw results of lindrift.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    one = verbs.add_parser("plot", help="a sensible picture of any result file")
    one.add_argument("file", metavar="FILE.h5")
    one.add_argument("-o", "--output", metavar="FILE.png", help="default: the name of FILE with .png, in this folder")

    several = verbs.add_parser("figures", help="the published figures from the results of their inputs")
    several.add_argument("names", metavar="NAME", nargs="*", help=f"all, or some of: {', '.join(figures.FIGURES)}")
    several.add_argument("--data", metavar="DIR", default=".", help="folder with the result files")
    several.add_argument("-o", "--output", metavar="DIR", default=".", help="folder for the pictures")
    several.add_argument("--list", action="store_true", help="print each figure with the inputs that it needs")

    options = parser.parse_args(arguments)
    try:
        return _plot(options) if options.verb == "plot" else _figures(options)
    except LindriftError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except OSError as error:
        print(f"error: cannot write {error.filename}: {error.strerror}; choose another place with -o", file=sys.stderr)
        return FAILED


def _plot(options):
    stem = os.path.splitext(os.path.basename(options.file))[0]
    output = options.output or f"{stem}.png"
    style.check_picture_name(output)
    style.write(plot.draw(load(options.file)), output)
    print(output)
    return DONE


def _figures(options):
    if options.list:
        for one in figures.FIGURES.values():
            print(" ".join((one.name, *one.inputs)))
        return DONE
    names = list(figures.FIGURES) if not options.names or "all" in options.names else options.names
    # All names and data are looked at before the first picture is written.
    drawn = [(name, figures.draw(name, options.data)) for name in names]
    os.makedirs(options.output, exist_ok=True)
    for name, figure in drawn:
        path = os.path.join(options.output, f"{name}.png")
        style.write(figure, path)
        print(path)
    return DONE


if __name__ == "__main__":
    sys.exit(main())
