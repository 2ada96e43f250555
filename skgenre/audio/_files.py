import errno
import os
import stat
from contextlib import contextmanager

from .._names import is_remote
from .._system_errors import explain
from ._errors import AudioError
from ._remote import find_mark, open_copy

_RAW = "raw samples, without a header that says what they are"
_NO_FILE = "a pipe, socket or device, not an audio file"
_SPECIAL = {errno.EISDIR: "a directory, not an audio file", errno.ENXIO: _NO_FILE}


def path_name(path):
    """Return a path as a string."""
    try:
        return os.fsdecode(path)
    except TypeError:
        raise AudioError({repr(path): "not a path"}) from None


def check_path(path):
    """Return the path as a string, once it is known to lead to a file that may hold audio.

    A remote one is not looked at before it is read.
    """
    name = path_name(path)
    if is_remote(name):
        return name
    with open_file(path) as file:
        return file.name


def is_seen_by_others(path):
    """Tell whether other processes see a file; those of ``memory://`` belong to one process."""
    return not path_name(path).lower().startswith("memory://")


def as_seen_from_anywhere(name):
    """Return a path that leads to the same file whatever the current folder."""
    # not made shorter: behind a link, ".." leads to another folder than its text says
    return name if is_remote(name) else os.path.join(os.getcwd(), name)


def identify(path):
    """Return what tells a file from others and from its own earlier content, or None if unknown.

    Returns
    -------
    mark : tuple or None
        Its path, its size, and the time of its last change or what its store has in place of it.
    """
    name = path_name(path)
    if is_remote(name):
        mark = find_mark(name)
        return None if mark is None else (name, *mark)
    try:
        file = os.stat(path)
    except (OSError, ValueError):
        return None
    return os.path.abspath(name), file.st_size, file.st_mtime_ns


@contextmanager
def open_file(path):
    """Open a file for reading, unbuffered; whatever cannot be one is an `AudioError`.

    What is opened is also what is looked at: a pipe or device put in its place meanwhile is
    refused and never waited for. Of a remote file, a copy is opened.
    """
    name = path_name(path)
    if is_remote(name):
        _check_ending(name)
        with open_copy(name) as file:
            yield file
        return
    try:
        file = open(name, "rb", buffering=0, opener=_open_at_once)  # noqa: SIM115
    except OSError as error:
        raise AudioError({name: explain(error, _SPECIAL)}) from None
    except ValueError:
        raise AudioError({name: "no such file"}) from None  # such a name cannot be
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise AudioError({name: _NO_FILE})
        _check_ending(name)
        if status.st_size == 0:
            raise AudioError({name: "empty file"})
        yield file


def _check_ending(name):
    if os.path.splitext(name)[1].lower() == ".raw":
        raise AudioError({name: _RAW})


def _open_at_once(name, flags):
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
