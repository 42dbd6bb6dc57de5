"""Writes files by the rules that hold for the results of the program (src/io/atomic_write.cpp)."""

import contextlib
import errno
import os
import stat

from .errors import LindriftError


def check(path):
    """The file that a path leads to, its folder, and its mode if it exists. Symbolic links are followed, even to a file
    that does not exist yet, so that the file is replaced and not the link.

    Raises LindriftError if no file can have this path, OSError if the file there must not be replaced.
    """
    target = os.fspath(path)
    most_links = 40  # as in the kernel
    for _ in range(most_links):
        if not os.path.islink(target):
            break
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    else:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
    folder = os.path.dirname(target) or "."
    if os.path.isdir(target):
        raise LindriftError(f"cannot write {path}: it is a folder; name a file in it")
    try:
        there = stat.S_ISDIR(os.stat(folder).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        there = False
    if not there:
        raise LindriftError(f"cannot write {path}: there is no folder {folder}; create it first, or choose another one with -o")
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return target, folder, None
    if not stat.S_ISREG(mode):
        raise LindriftError(f"cannot write {path}: it is not a regular file; choose another name with -o")
    # A rename would replace a file that its owner has write-protected; root could even write to it.
    if mode & 0o222 == 0 or not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only (chmod u+w makes it writable)", path)
    return target, folder, stat.S_IMODE(mode)


def write(path, content):
    """Replaces a file so that `path` is always absent, the old file, or the whole new one, which has the mode of the old
    one. Raises what check() raises, and OSError."""
    try:
        target, folder, mode = check(path)
        _replace(target, folder, mode, content)
        with contextlib.suppress(OSError):  # some file systems cannot, and make a rename safe without it
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), path) from error  # not the temporary name


def _replace(target, folder, mode, content):
    longest = 50  # characters: the added ones must not make a valid name too long
    for attempt in range(100):
        number = f".{attempt}" if attempt else ""
        temporary = os.path.join(folder, f".{os.path.basename(target)[:longest]}.{os.getpid()}{number}.tmp")
        try:
            with open(temporary, "xb") as file:
                if mode is not None:
                    with contextlib.suppress(OSError):  # a file system without modes
                        os.fchmod(file.fileno(), mode)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
            return
        except FileExistsError:  # it may belong to a process with the same number on another machine
            continue
        except BaseException:  # also a signal that ends the program
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
