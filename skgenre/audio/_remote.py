"""Audio files that are not on this machine, through fsspec: a copy of each while it is read."""

import time
from contextlib import contextmanager
from tempfile import TemporaryFile

from .._names import printable, without_secrets
from ._errors import AudioError

_NEEDS_FSSPEC = "addresses need fsspec: pip install 'skgenre[remote]'"
# Of one file.
_MOST_BYTES, _MOST_SECONDS = 2**30, 300.0
_BLOCK_BYTES = 2**20
# Networks fail for a moment; how long to wait before the next try, in seconds.
_PAUSES = (0.5, 2.0, None)
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
_MOST_LETTERS = 200
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError)


class _ChangedError(OSError):
    """Another file was put in the place of one that was being copied, or it came cut."""


@contextmanager
def open_copy(name):
    """Open a local copy of a remote file for reading; it is gone afterwards.

    Raises
    ------
    AudioError
        If it cannot be had, or not whole, after some tries; if it is larger than 1 GiB; or if it
        takes more than five minutes.
    """
    until = time.monotonic() + _MOST_SECONDS
    try:
        files, place = _find(name)
    except (ImportError, ValueError) as error:
        raise AudioError({name: _explain(error)}) from None
    with TemporaryFile(buffering=0) as copy:
        for pause in _PAUSES:
            try:
                _copy(name, files, place, copy, until)
                break
            except AudioError:
                raise
            except Exception as error:  # each kind of store has errors of its own
                if pause is None or isinstance(error, _FINAL) or time.monotonic() + pause > until:
                    raise AudioError({name: _explain(error)}) from None
                time.sleep(pause)
        copy.seek(0)
        copy.name = name
        yield copy


def find_mark(name):
    """Return what changes with a remote file, such as its size and its ETag; None if unknown."""
    try:
        files, place = _find(name)
        return _mark(files.info(place))
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
        found = files.ls(place, detail=True)
    except _FINAL:
        raise
    except Exception as error:  # each kind of store has errors of its own
        raise OSError(_explain(error)) from None
    own = [info for info in found if info["name"].strip("/") == place.strip("/")]
    if own and own[0]["type"] == "file" and len(found) == 1:
        raise NotADirectoryError(name)
    # some stores list a folder in itself
    return [Entry(info) for info in found if info not in own]


def _find(name):
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise ImportError(_NEEDS_FSSPEC) from None
    return url_to_fs(name, use_listings_cache=False)


def _copy(name, files, place, copy, until):
    """Write a whole file to its copy, as it was from the first byte to the last."""
    before = files.info(place)
    if before["type"] == "directory":
        raise IsADirectoryError
    _check_size(name, before.get("size") or 0)
    copy.seek(0)
    copy.truncate()
    with files.open(place, "rb", block_size=_BLOCK_BYTES, cache_type="readahead") as source:
        while block := source.read(_BLOCK_BYTES):
            copy.write(block)
            _check_size(name, copy.tell())
            if time.monotonic() > until:
                raise AudioError({name: f"not downloaded within {_MOST_SECONDS:g} s"})
    if before.get("size") not in (None, copy.tell()):
        raise _ChangedError(f"{copy.tell()} of {before['size']} bytes came")
    if _mark(files.info(place)) != _mark(before):
        raise _ChangedError("it was changed while it was downloaded")
    if not copy.tell():
        raise AudioError({name: "empty file"})


def _check_size(name, n_bytes):
    if n_bytes > _MOST_BYTES:
        raise AudioError(
            {name: f"larger than {_MOST_BYTES / 2**30:g} GiB, which is not downloaded"}
        )


def _mark(info):
    """Return what of a store's description of a file changes with the file, or None."""
    marks = [(key, str(info[key])) for key in _MARKS if info.get(key) is not None]
    return (info.get("size"), *marks[0]) if marks else None


def _explain(error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, IsADirectoryError):
        return "a directory, not an audio file"
    # addresses inside of a message, too
    said = " ".join(map(without_secrets, (str(error) or type(error).__name__).split()))
    return f"it could not be downloaded ({printable(said)[:_MOST_LETTERS]})"
