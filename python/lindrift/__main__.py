"""python3 -m lindrift plot FILE.h5 [-o FILE.png]; python3 -m lindrift figures [NAME...] --data DIR -o DIR"""

import argparse
import contextlib
import math
import os
import pickle
import signal
import subprocess
import sys
import warnings

# Writing a file needs no backend, and matplotlib would stop at a backend name that it does not know.
os.environ["MPLBACKEND"] = "agg"

from . import figures, files, plot, style  # noqa: E402
from .program import wait_for  # noqa: E402
from .result import LindriftError, load  # noqa: E402

DONE, FAILED, WRONG_INPUT, STOPPED = 0, 1, 2, 4  # exit codes, the same as the program's
# The signals that stop a run (src/sweep/stop.cpp).
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGXCPU)


class Stopped(BaseException):
    """A signal, which it names, asks the program to stop."""


class _MutedError(Exception):
    """Standard output cannot be written to."""


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        with _on_stop(_stop):
            return _plot(options) if options.verb == "plot" else _figures(options)
    except Stopped as reason:
        print(f"stopped by {reason}", file=sys.stderr)
        return STOPPED
    except LindriftError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except _MutedError as error:
        print(f"error: cannot write to stdout: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"error: cannot write {error.filename}: {error.strerror}; choose another place with -o", file=sys.stderr)
        return FAILED


@contextlib.contextmanager
def _on_stop(handler):
    """Installs a handler of the signals that stop a run. Those that the parent ignored stay ignored, as SIGHUP under nohup."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    before = {number: one for number, one in before.items() if one not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, one in before.items():
            signal.signal(number, one)


def _stop(number, _):
    raise Stopped(signal.Signals(number).name)


def _say(text):
    """Prints a line at once, so that a full disk is noticed here and not when Python ends."""
    try:
        print(text, flush=True)
    except OSError as error:
        with contextlib.suppress(OSError), open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())  # what is left in the buffer
        raise _MutedError(error.strerror) from error


def _word(text):
    """An empty word is no file: it must not count as an option that was left out."""
    if not text:
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _parser():
    parser = argparse.ArgumentParser(prog="lindrift", description="Draw results of lindrift.")
    verbs = parser.add_subparsers(dest="verb", required=True)

    one = verbs.add_parser("plot", help="a sensible picture of any result file")
    one.add_argument("file", metavar="FILE.h5", type=_word)
    one.add_argument("-o", "--output", metavar="FILE.png", type=_word, help="default: the name of FILE with .png, in this folder")
    one.add_argument("--dataset", metavar="NAME", default="", help="draw this dataset")
    one.add_argument("--slice", metavar="KEY=VALUE", action="append", default=[], dest="slices",
                     help="draw the point nearest to this value of a dimension; may be repeated")
    one.add_argument("--log", action="store_true", help="logarithmic scale of the values")
    one.add_argument("--range", metavar="LOW:HIGH", help="limits of the values; either may be left out")

    several = verbs.add_parser("figures", help="the published figures")
    several.add_argument("names", metavar="NAME", nargs="*", help=f"all, or some of: {', '.join(figures.FIGURES)}")
    several.add_argument("--data", metavar="DIR", default=".", type=_word, help="draw from the result files in this folder")
    several.add_argument("-o", "--output", metavar="DIR", default=".", type=_word, help="folder for the pictures")
    several.add_argument("--program", metavar="LINDRIFT", help="compute the result files first, into the folder of the pictures")
    several.add_argument("--examples", metavar="DIR", default="examples", help="folder with the inputs of the figures")
    several.add_argument("--run-option", metavar="OPTION", action="append", default=[], help="for LINDRIFT run; may be repeated")
    return parser


def _plot(options):
    stem = os.path.splitext(os.path.basename(options.file))[0]
    output = options.output or f"{stem}.png"
    style.check_picture_name(output)
    files.check(output)
    low, high = _limits(options.range)
    view = plot.View(options.dataset, tuple(_key_and_value(text) for text in options.slices), options.log, low, high)
    style.write(plot.draw(_load_apart(options.file), view), output)
    _say(output)
    return DONE


def _load_apart(path):
    """load() in a separate process: on damaged files the HDF5 library may crash or never return."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # idle BLAS threads do not matter to a reader
        child = os.fork()
    if child == 0:
        _send_result(path, writer)
    os.close(writer)
    answer = None
    try:
        with os.fdopen(reader, "rb") as pipe, contextlib.suppress(EOFError, pickle.UnpicklingError):
            answer = pickle.load(pipe)
        _, status = os.waitpid(child, 0)
    except BaseException:
        with contextlib.suppress(ChildProcessError):  # it may have been waited for already
            if os.waitpid(child, os.WNOHANG) == (0, 0):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in STOP_SIGNALS:  # Ctrl-C reaches both processes
        _stop(os.WTERMSIG(status), None)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        raise LindriftError(f"{path}: cannot be read: the process that reads was killed, by someone or for want of memory")
    if status != 0 or answer is None:
        raise LindriftError(f"{path}: cannot be read: the file is damaged in a way that stops the HDF5 library")
    if isinstance(answer, str):
        raise LindriftError(answer)
    return answer


def _send_result(path, writer):
    """Writes the result in a file, or what is wrong with it, to a pipe, and ends this process."""
    status = FAILED
    try:
        with _on_stop(signal.SIG_DFL), os.fdopen(writer, "wb") as pipe:
            try:
                with open(os.devnull, "w") as nowhere:
                    os.dup2(nowhere.fileno(), 2)
                if os.path.exists(path):
                    signal.alarm(10 + os.path.getsize(path) // 50_000_000)
                answer = load(path)
            except LindriftError as error:
                answer = str(error)
            except OSError as error:
                answer = f"{path}: cannot be read: {error.strerror}"
            signal.alarm(0)  # the rest waits for whoever reads the pipe
            pickle.dump(answer, pipe, protocol=5)
        status = DONE
    finally:
        os._exit(status)


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
    if low is None and high is None:
        raise LindriftError(f"--range {text}: has neither LOW nor HIGH; only one of them may be left out")
    if not all(limit is None or math.isfinite(limit) for limit in (low, high)):
        raise LindriftError(f"--range {text}: LOW and HIGH must be finite")
    if None not in (low, high) and not low < high:
        raise LindriftError(f"--range {text}: LOW must be less than HIGH")
    return low, high


def _figures(options):
    names = list(figures.FIGURES) if not options.names or "all" in options.names else options.names
    for name in names:
        figures.find(name)
    pictures = {name: os.path.join(options.output, f"{name}.png") for name in names}
    folder = options.data
    if options.program:
        folder = options.output
        _make_folder(folder)
        for path in pictures.values():
            files.check(path)
        status = _compute(options, dict.fromkeys(one for name in names for one in figures.FIGURES[name].inputs))
        if status != DONE:
            return status
    # All data are checked before the first picture is written.
    drawn = {name: figures.draw(name, folder) for name in names}
    _make_folder(options.output)
    for path in pictures.values():
        files.check(path)
    for name, figure in drawn.items():
        style.write(figure, pictures[name])
    _say("\n".join(pictures.values()))
    return DONE


def _make_folder(folder):
    try:
        os.makedirs(folder, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise LindriftError(f"cannot make the folder {folder}: {error.strerror}; choose another one with -o") from error


def _compute(options, inputs):
    """Runs the program anew on every input of the figures and returns the worst exit code."""
    worst, process, interrupted, sent = DONE, None, False, None

    def stop(number, _):
        # Lets the run end in order. Ctrl-C in a terminal reaches it too: it must not get a second SIGINT from here.
        nonlocal interrupted, sent
        again = number == signal.SIGINT and interrupted
        interrupted = interrupted or number == signal.SIGINT
        sent = signal.SIGKILL if again else signal.SIGTERM if number == signal.SIGINT else number
        if process is not None:
            process.send_signal(sent)

    with _on_stop(stop):
        for name in inputs:
            if sent is not None:
                return STOPPED
            _say(f"{name}:")
            command = [options.program, "run", os.path.join(options.examples, f"{name}.toml"), "--overwrite",
                       "-o", os.path.join(options.output, f"{name}.h5"), *options.run_option]
            try:
                process = subprocess.Popen(command)
            except OSError as error:
                raise LindriftError(f"cannot start {options.program}: {error.strerror}") from error
            if sent is not None:  # while it started
                process.send_signal(sent)
            wait_for(process)
            status = process.returncode
            worst = max(worst, status if status >= 0 else FAILED)
            if sent is not None or status == STOPPED:
                return STOPPED
    return worst


if __name__ == "__main__":
    sys.exit(main())
