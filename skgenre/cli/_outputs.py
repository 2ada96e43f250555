"""Files that a command is to write: a wrong one is told before anything is heard."""

import os
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

from .._names import printable


def check_output(param: typer.CallbackParam, path: Path | None):
    """Return where an option says to write, if a file can be there and is no song."""
    from ..audio._formats import ENDINGS

    if path is None:
        return None
    if path.is_dir():
        raise IsADirectoryError(f"{param.opts[0]} is a folder: {printable(path)}. Name a file")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {printable(path.parent)} to write {printable(path.name)} to"
        )
    check_writable(path)
    # a forgotten name, as in `-o *.mp3`, would cost a song
    if path.suffix.lower() in ENDINGS:
        raise ValueError(
            f"{param.opts[0]} looks like an audio file: {printable(path)}. Choose another extension"
        )
    return path


def check_writable(path):
    """Refuse a file for which there is no permission: to write it, or to make it."""
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise PermissionError(f"There is no permission to write {printable(path)}")


@contextmanager
def naming(path):
    """Let errors of the system name the file that is written, as when the disk is full."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def keep_inputs(output, inputs):
    """Refuse to write over one of the files that are read; None stands for none."""
    if output is None or not output.exists():
        return
    there = os.stat(output)
    for path in filter(None, inputs):
        with suppress(OSError):
            if os.path.samestat(there, os.stat(path)):
                raise ValueError(
                    f"{printable(output)} is an input, and would be overwritten. Write to another "
                    "file"
                )
