"""Runs the program `lindrift` from Python."""

import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Mapping
from typing import Any, Union

from .errors import LindriftError, ParameterError
from .result import Result, load

_DONE, _WRONG_INPUT, _NOT_ALL = 0, 2, 3  # exit codes of the program


def find_program() -> str:
    """Path of the program: LINDRIFT_PROGRAM, the one beside this package, or the first on PATH.

    Raises LindriftError if there is none.
    """
    given = os.environ.get("LINDRIFT_PROGRAM")
    if given:
        return given
    here = os.path.dirname(os.path.abspath(__file__))
    for place in (os.path.join(sysconfig.get_path("scripts"), "lindrift"),  # in a wheel
                  os.path.join(here, "..", "..", "bin", "lindrift"),  # in a build folder
                  shutil.which("lindrift")):
        if place and os.access(place, os.X_OK):
            return os.path.normpath(place)
    raise LindriftError("the program lindrift was not found: it is neither beside this package nor on PATH; set "
                        "LINDRIFT_PROGRAM to its path")


def run(path: "Union[str, os.PathLike[str]]", *, output: "Union[str, os.PathLike[str], None]" = None,
        set: "Union[Mapping[str, Any], None]" = None, overwrite: bool = False, resume: bool = False, threads: int = 0,
        backend: str = "auto", progress: bool = False) -> Result:
    """Runs the program on an input file, and returns its results as load() does.

    output     file to write; without it, results are read and the file is removed
    set        values by key, which replace those of the input: {"model.sites": 64}; text is TOML
    overwrite  replaces an existing output
    resume     continues a run that was stopped; needs `output`
    threads    0: all processors
    progress   True: the program's messages go to stderr
    Raises ParameterError with the program's message if the input is wrong; LindriftError if the run fails. Points that
    failed or did not converge are marked in `status`. Ctrl-C stops the program in order: with `output`, resume=True
    continues it.
    """
    from .toml import _value
    try:
        import h5py  # noqa: F401
    except ImportError as error:
        raise LindriftError("run() reads a result file, which needs h5py: pip install h5py") from error
    command = [find_program(), "run", os.fspath(path), "--backend", backend]
    for key, value in (set or {}).items():
        command += ["--set", f"{key}={value if isinstance(value, str) else _value(value)}"]
    if threads:
        command += ["--threads", str(threads)]
    command += ["--overwrite"] * bool(overwrite) + ["--resume"] * bool(resume)
    if output is not None:
        return _run([*command, "-o", os.fspath(output)], os.fspath(output), progress)
    if resume:
        raise ParameterError("resume needs output: there is nothing to go on with")
    with tempfile.TemporaryDirectory(prefix="lindrift-") as folder:
        place = os.path.join(folder, "result.h5")
        return _run([*command, "-o", place], place, progress)


def _run(command: "list[str]", output: str, progress: bool) -> Result:
    said = None if progress else subprocess.PIPE
    # In its own session: Ctrl-C reaches only Python, which stops the program once.
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said, text=True, start_new_session=True) as process:
        try:
            messages = wait_for(process)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode in (_DONE, _NOT_ALL):
        return load(output)
    text = (messages or "").strip() or f"{command[0]} ended with {process.returncode}"
    raise (ParameterError if process.returncode == _WRONG_INPUT else LindriftError)(text)


def wait_for(process: "subprocess.Popen[str]") -> "Union[str, None]":
    """Waits until a process ends, and returns what it wrote to stderr if that is a pipe. Handlers of signals run within a
    fifth of a second: one that arrives just before a system call would otherwise be handled only after the call."""
    while True:
        try:
            return process.communicate(timeout=0.2)[1]
        except subprocess.TimeoutExpired:
            continue
