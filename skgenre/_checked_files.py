"""Files that hold data and no code, are whole or missing, and are checked when they are read.

The first line is a JSON object: the ``key`` that the file stands for, the ``size`` of what follows
in bytes, whatever else describes it, and a CRC-32 of all this as the ``checksum``.
"""

import json
import os
import zlib
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ._names import is_remote, without_secrets

_LONGEST_HEADER = 4096


class DamagedFileError(ValueError):
    """A file is not what was once written for its key."""


def local_path(path, parameter):
    """Return a path on this machine, of which an address would make a strange one."""
    name = os.fsdecode(path)
    if is_remote(name):
        raise ValueError(
            f"{parameter}={without_secrets(name)!r} is an address; give a path on this machine"
        )
    return Path(name)


def make_private_folder(folder):
    """Make a folder that only its owner may enter, and those above it that are missing."""
    folder = Path(folder)
    if not folder.is_dir():
        make_private_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_whole(path, *chunks):
    """Write bytes to a file, which appears whole or not at all."""
    aside = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with open(aside, "xb") as file:
            for chunk in chunks:
                file.write(chunk)
        os.replace(aside, path)
    except BaseException as error:
        with suppress(OSError):
            aside.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)
            # None would be shown
            del error.filename2
        raise


def write_checked(path, key, body, **about):
    """Write a file for `read_checked`.

    Parameters
    ----------
    path : Path
        The file, which is replaced if it exists.
    key : str
        What the file stands for.
    body : bytes-like
        What to keep.
    **about : object
        What describes the body, of the types that JSON keeps.

    Raises
    ------
    OSError
        If it cannot be written. Nothing is left behind.
    """
    header = {"key": key, "size": memoryview(body).nbytes, **about}
    header["checksum"] = _checksum(header, body)
    write_whole(path, json.dumps(header).encode() + b"\n", body)


def read_checked(path, key):
    """Return the header, a dict, and the body, bytes, of a file.

    Raises
    ------
    OSError
        If there is no such file or it cannot be opened.
    DamagedFileError
        If it is not as `write_checked` wrote it for this key.
    """
    with open(path, "rb", opener=_open_at_once) as file:
        first_line = file.readline(_LONGEST_HEADER)
        header = _parse(first_line)
        size = os.fstat(file.fileno()).st_size - len(first_line)
        if header.get("key") != key or header.get("size") != size:
            raise DamagedFileError(f"{path} is not the whole file that was written for {key}")
        body = file.read()
    if header.pop("checksum", None) != _checksum(header, body):
        raise DamagedFileError(f"{path} does not match its checksum")
    return header, body


def _parse(header):
    try:
        parsed = json.loads(header)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _checksum(header, body):
    return zlib.crc32(body, zlib.crc32(json.dumps(header).encode()))


def _open_at_once(path, flags):
    """Open a file without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
