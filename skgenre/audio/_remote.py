"""Audio files that are not on this machine, through fsspec: a copy of each while it is read."""

import os
import time
from contextlib import contextmanager
from functools import partial
from json import JSONDecodeError
from tempfile import TemporaryFile

from .._servers import FINAL, UnansweredError, ask, call_within, check_address, say
from ._errors import AudioError, OutOfReachError

_NEEDS_FSSPEC = "addresses need fsspec: pip install 'skgenre[remote]'"
# Of one file.
_MOST_BYTES, _MOST_SECONDS = 2**30, 300.0
_BLOCK_BYTES = 2**20
# What stores call the mark of a file's content, or the time of its last change; the best first.
_MARKS = (
    "ETag",
    "etag",
    "md5",
    "Content-MD5",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "mtime",
    "updated",
    "created",
)


class _ChangedError(OSError):
    """Another file was put in the place of one that was being copied, or it came cut."""


@contextmanager
def open_copy(name):
    """Open a local copy of a remote file for reading; it is gone afterwards.

    Raises
    ------
    OutOfReachError
        If it cannot be had, or not whole, after some tries, or if it takes more than five minutes.
    AudioError
        If there is no such file, or it may not be read, or it is larger than 1 GiB.
    """
    until = time.monotonic() + _MOST_SECONDS
    with TemporaryFile(buffering=0) as copy:
        try:
            files, place = _find(name)
            # a descriptor of its own: a download that is given up may go on writing
            target = os.fdopen(os.dup(copy.fileno()), "wb", buffering=0)
            call_within(_MOST_SECONDS, partial(_download, name, files, place, target, until))
        except AudioError:
            raise
        except UnansweredError:
            raise _too_slow(name) from None
        except Exception as error:  # each kind of store has errors of its own
            kind = OutOfReachError if _may_pass(error) else AudioError
            raise kind({name: _explain(error)}) from None
        copy.seek(0)
        copy.name = name
        yield copy


def find_mark(name):
    """Return what changes with a remote file, such as its size and its ETag; None if unknown."""
    try:
        files, place = _find(name)
        return _mark(call_within(_MOST_SECONDS, partial(files.info, place)))
    except Exception:  # reading it tells what is wrong
        return None


class Entry:
    """A file or folder of a remote folder, with what `os.DirEntry` has of one."""

    def __init__(self, info):
        self.name = info["name"].rstrip("/").rpartition("/")[2]
        self._is_folder = info["type"] == "directory"

    def is_dir(self):
        return self._is_folder

    def is_file(self):
        return not self._is_folder

    def is_symlink(self):
        return False


def list_folder(name):
    """Return the entries of a remote folder.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    try:
        files, place = _find(name)
        found = ask(partial(files.ls, place, detail=True), final=(NotADirectoryError,))
    except (*FINAL, NotADirectoryError):
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise OSError(say(error)) from None
    own = [info for info in found if info["name"].strip("/") == place.strip("/")]
    if own and own[0]["type"] == "file" and len(found) == 1:
        raise NotADirectoryError(name)
    # some stores list a folder in itself
    return [Entry(info) for info in found if info not in own]


def _find(name):
    try:
        from fsspec.core import get_filesystem_class, url_to_fs
    except ImportError:
        raise ImportError(_NEEDS_FSSPEC) from None
    check_address(name)
    protocol, _, place = name.partition("://")
    name = f"{protocol.lower()}://{place}"
    if "::" in place and "://" not in place:
        # fsspec would take the name of the song for a chain of file systems
        kind = get_filesystem_class(protocol.lower())
        options = kind._get_kwargs_from_urls(name)
        return kind(**options, use_listings_cache=False), kind._strip_protocol(name)
    return url_to_fs(name, use_listings_cache=False)


def _download(name, files, place, target, until):
    with target:
        ask(partial(_copy, name, files, place, target, until), until=until, final=(AudioError,))


def _copy(name, files, place, copy, until):
    """Write a whole file to its copy, as it was from the first byte to the last."""
    before = files.info(place)
    if before["type"] == "directory":
        raise IsADirectoryError
    _check_size(name, before.get("size") or 0)
    copy.seek(0)
    copy.truncate()
    # 0: in one answer, which is of one version also where a server gives no mark
    size = 0 if place.startswith(("http://", "https://")) else _BLOCK_BYTES
    with files.open(place, "rb", block_size=size, cache_type="readahead") as source:
        while block := source.read(_BLOCK_BYTES):
            copy.write(block)
            _check_size(name, copy.tell())
            if time.monotonic() > until:
                raise _too_slow(name)
    if before.get("size") not in (None, copy.tell()):
        raise _ChangedError(f"{copy.tell()} of {before['size']} bytes came")
    if _mark(files.info(place)) != _mark(before):
        raise _ChangedError("it was changed while it was downloaded")
    if not copy.tell():
        raise AudioError({name: "empty file"})


def _too_slow(name):
    return OutOfReachError({name: f"not downloaded within {_MOST_SECONDS:g} s"})


def _check_size(name, n_bytes):
    if n_bytes > _MOST_BYTES:
        raise AudioError(
            {name: f"larger than {_MOST_BYTES / 2**30:g} GiB, which is not downloaded"}
        )


def _mark(info):
    """Return what of a store's description of a file changes with the file, or None."""
    marks = [(key, str(info[key])) for key in _MARKS if info.get(key) is not None]
    return (info.get("size"), *marks[0]) if marks else None


def _may_pass(error):
    """Tell whether a later try may go well: not without such a file, or with a wrong address."""
    # a wrong address is a ValueError, but so are a bad certificate and an answer cut short
    is_of_server = isinstance(error, OSError | JSONDecodeError) or not isinstance(error, ValueError)
    return is_of_server and not isinstance(error, FINAL)


def _explain(error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, IsADirectoryError):
        return "a directory, not an audio file"
    if isinstance(error, PermissionError):
        return say(error)
    return f"it could not be downloaded ({say(error)})"
