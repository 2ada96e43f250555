"""Files that take the place of others at once, or not at all."""

import os
import shutil
import stat
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from uuid import uuid4

from ._pieces import UnfitError

try:
    import fcntl
except ImportError:  # on Windows, where an open file cannot be removed
    fcntl = None  # type: ignore[assignment]

_PREFIX = ".skgenre-tag-"


def check_replaceable(path):
    """Return the status of a file; raise where another must not take its place.

    Raises
    ------
    OSError
        If there is no such file.
    UnfitError
        If it is no plain file, is empty or read-only, has other names, or its folder is read-only.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise UnfitError("it is no file")
    if not status.st_size:
        raise UnfitError("it is empty")
    if status.st_nlink > 1:
        raise UnfitError(
            f"it has {status.st_nlink} names (hard links), and the others would keep the old tags"
        )
    # the superuser may write anything, but whoever made it read-only did not want that
    if not (status.st_mode & 0o222 and os.access(path, os.W_OK)):
        raise UnfitError("it is read-only")
    folder = os.path.dirname(path)
    if not (os.stat(folder).st_mode & 0o222 and os.access(folder, os.W_OK)):
        raise UnfitError("its folder is read-only")
    return status


@contextmanager
def open_aside(path):
    """Open an empty file beside another, and remove it in the end if it is still there."""
    ending = os.path.splitext(path)[1]
    aside = os.path.join(os.path.dirname(path), f"{_PREFIX}{uuid4().hex}{ending}")
    # nobody else may read it before it has the permissions of the other
    with open(aside, "x+b", opener=partial(os.open, mode=0o600)) as file:
        # tells others, until this process ends, that it is in use
        _try_lock(file)
        try:
            yield file
        finally:
            with suppress(FileNotFoundError):
                os.unlink(aside)


def take_place(aside, path, status, *, times, before=None):
    """Let a file, open and written, take the place of another, with its owner and permissions.

    Parameters
    ----------
    aside : file object
        From `open_aside`.
    path : str
        The other file.
    status : os.stat_result
        What `check_replaceable` said of it. If it has changed since, it stays.
    times : tuple of int
        The times of last access and change that it is to have, in nanoseconds.
    before : callable or None
        What to do at the last moment before.
    """
    aside.flush()
    with suppress(PermissionError, AttributeError):
        os.chown(aside.name, status.st_uid, status.st_gid)
    shutil.copystat(path, aside.name)
    os.utime(aside.name, ns=times)
    os.fsync(aside.fileno())
    if before is not None:
        before()
    if not _is_same(os.lstat(path), status):
        raise UnfitError("another program has changed it meanwhile")
    os.replace(aside.name, path)
    sync_folder(os.path.dirname(path))


def sync_folder(folder):
    """Have the names in a folder written to the disk, where the system can."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def remove_left_behind(folder):
    """Remove what a process that was killed left in a folder, but nothing that is in use."""
    with suppress(OSError):
        for path in Path(folder).glob(f"{_PREFIX}*"):
            with suppress(OSError), open(path, "rb") as file:
                if fcntl is None or _try_lock(file):
                    path.unlink()


def _is_same(status, other):
    return all(
        getattr(status, name) == getattr(other, name)
        for name in ("st_ino", "st_dev", "st_size", "st_mtime_ns", "st_nlink")
    )


def _try_lock(file):
    if fcntl is None:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
