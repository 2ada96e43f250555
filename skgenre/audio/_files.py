import errno
import os
import stat
from contextlib import contextmanager

from .._system_errors import explain
from ._errors import AudioError

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
    """Return the path as a string, once it is known to lead to a file that may hold audio."""
    with open_file(path) as file:
        return file.name


@contextmanager
def open_file(path):
    """Open a file for reading, unbuffered; whatever cannot be one is an `AudioError`.

    What is opened is also what is looked at: a pipe or device put in its place meanwhile is
    refused and never waited for.
    """
    name = path_name(path)
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
        if os.path.splitext(name)[1].lower() == ".raw":
            raise AudioError({name: _RAW})
        if status.st_size == 0:
            raise AudioError({name: "empty file"})
        yield file


def _open_at_once(name, flags):
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
