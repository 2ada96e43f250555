"""The features of a corpus in a zarr store, written chunk by chunk.

A chunk is done when its ``state`` is there, which is written last. Each chunk of each array is an
object of its own, so that workers never write to the same one, and a store that was interrupted is
equal to one that was not.
"""

import hashlib
import math
import os
from contextlib import contextmanager, suppress
from functools import partial, wraps
from pathlib import Path
from typing import Any

import numpy as np

from .._names import is_remote, printable, without_secrets
from .._servers import FINAL, ask, check_address, say
from ..audio._errors import OutOfReachError
from ..audio._files import as_seen_from_anywhere
from ._cache import describe_features

_NEEDS_ZARR = "A store needs zarr; install it: pip install 'skgenre[distributed]'"
_FORMAT = 1
# of a song
_READ, _UNREADABLE, _OUT_OF_REACH = 1, 2, 3
_PATHS_TOGETHER = 10_000
_BYTES_COMPRESSED = 2**18
_ARRAYS = ("features", "errors", "paths", "state")


def _patient(method):
    """Let a method that reads or writes a remote store try again, and name it if that fails."""

    @wraps(method)
    def ask_store(self, *args, **kwargs):
        if not is_remote(self.out):
            return method(self, *args, **kwargs)
        try:
            return ask(partial(method, self, *args, **kwargs), final=(ImportError, ValueError))
        except (ImportError, ValueError):
            raise
        except Exception as error:  # each kind of store has errors of its own
            kind = type(error) if type(error) in FINAL else OSError
            raise kind(
                f"The store {without_secrets(printable(self.out))} cannot be read or written: "
                f"{say(error)}. Once it can, call extract_corpus again with the same arguments to "
                "continue"
            ) from None

    return ask_store


class CorpusStore:
    """A zarr group with the arrays ``features``, ``errors``, ``paths`` and ``state``.

    Parameters
    ----------
    out : str or path-like
        A folder, or an address that fsspec knows.
    mode : {"r+", "r", "a"}
        As zarr has it; "a" makes the group if there is none.
    """

    def __init__(self, out, mode="r+"):
        # workers may stand in another folder
        self.out = as_seen_from_anywhere(_without_file_scheme(os.fspath(out)))
        self._group: Any = self._open(mode)

    @_patient
    def _open(self, mode):
        try:
            import zarr
        except ImportError as error:
            raise ImportError(_NEEDS_ZARR) from error

        check_address(self.out)
        if os.path.isfile(self.out):
            raise ValueError(f"out={self.out!r} is a file; give a folder, which may be new")
        with self._naming_damage():
            return zarr.open_group(self.out, mode=mode)

    @contextmanager
    def _naming_damage(self):
        """Name the store where zarr cannot read what is there."""
        try:
            yield
        except (ValueError, KeyError, RuntimeError) as error:
            if is_remote(self.out):  # a server may do better another time
                raise
            raise ValueError(
                f"out={self.out!r} is damaged, or something else than a store of "
                f"extract_corpus ({say(error)}); give another out, or delete it"
            ) from None

    @classmethod
    def begin(cls, out, transformer, paths, chunk):
        """Return a new store for songs, or the one that an earlier run began.

        Raises
        ------
        ValueError
            If what is there was made of other songs, or in another way.
        """
        store = cls(out, mode="a")
        store._begin(_describe(transformer, paths, chunk), transformer._row_shape(), paths, chunk)
        return store

    @_patient
    def _begin(self, about, row_shape, paths, chunk):
        known = self._group.attrs.asdict()
        if "state" in self._group:
            with self._naming_damage():
                for name in _ARRAYS:
                    self._group[name]
            self._check(known.get("skgenre"), about)
            # what zarr was writing when an earlier run was killed
            for half in Path(self.out).rglob("*.partial"):
                half.unlink()
        elif self._group.metadata.zarr_format != 3 or (
            "skgenre" not in known and (known or list(self._group))
        ):
            raise ValueError(f"out={self.out!r} is a zarr group of something else")
        else:
            self._create(about, row_shape, paths, chunk)

    def _check(self, known, about):
        different = [
            name for name in about if not isinstance(known, dict) or known.get(name) != about[name]
        ]
        if different:
            raise ValueError(
                f"out={self.out!r} has features that differ in {', '.join(different)} from those "
                "asked for; give another out, or delete it"
            )

    def _create(self, about, row_shape, paths, chunk):
        from zarr.codecs import BloscCodec

        n_songs, size = len(paths), min(chunk, len(paths))
        # comes first: a group with it is ours, and may be half made
        self._group.attrs["skgenre"] = about
        create = partial(self._group.create_array, overwrite=True)
        # nets read songs in any order, so only small ones are compressed together
        create(
            "features",
            shape=(n_songs, *row_shape),
            shards=(size, *row_shape),
            chunks=(_count_compressed(size, row_shape), *row_shape),
            dtype="float32",
            # smaller than zarr's own choice, and several times as fast to write and to read
            compressors=BloscCodec(cname="lz4", clevel=5, shuffle="shuffle"),
        )
        create("errors", shape=(n_songs,), chunks=(size,), dtype="str")
        names = create("paths", shape=(n_songs,), chunks=(_PATHS_TOGETHER,), dtype="str")
        for start in range(0, n_songs, _PATHS_TOGETHER):
            some = [printable(path) for path in paths[start : start + _PATHS_TOGETHER]]
            names[start : start + len(some)] = np.array(some, dtype=object)
        # comes last: a store without it was never begun
        create("state", shape=(n_songs,), chunks=(size,), dtype="uint8")

    @property
    def group(self):
        """The zarr group."""
        return self._group

    @_patient
    def find_missing(self):
        """Return the chunks that are not done, and how many songs are.

        Returns
        -------
        missing : list of tuple
            The number of each chunk, and which of its songs were out of reach, if it was written.
        n_done : int
        """
        state, size = self._read_state(), self._group["state"].chunks[0]
        missing, n_done = [], len(state)
        is_missing = (state == 0) | (state == _OUT_OF_REACH)
        for number in np.unique(np.flatnonzero(is_missing) // size).tolist():
            of_chunk = state[number * size : (number + 1) * size]
            missing.append((number, np.flatnonzero(of_chunk == _OUT_OF_REACH).tolist()))
            n_done -= len(of_chunk)
        return missing, n_done

    def _read_state(self):
        """Return the state of each song; 0 where it is damaged, as after a power cut."""
        array = self._group["state"]
        try:
            return array[:]
        except (RuntimeError, ValueError):
            if is_remote(self.out):
                raise
        state = np.zeros(array.shape, dtype=array.dtype)
        for start in range(0, len(state), array.chunks[0]):
            rows = slice(start, start + array.chunks[0])
            with suppress(RuntimeError, ValueError):
                state[rows] = array[rows]
        return state

    @_patient
    def write(self, number, features, failures, is_again=False):
        """Write a chunk.

        Parameters
        ----------
        number : int
            Which one.
        features : ndarray of shape (n_songs, ...)
            NaN for songs that could not be read.
        failures : dict of AudioError
            Why songs could not be read, by row.
        is_again : bool, default=False
            Whether the chunk was written before. Songs that were read then, and were not now, stay.
        """
        size = self._group["state"].chunks[0]
        rows = slice(number * size, number * size + len(features))
        if is_again:
            before = self._group["state"][rows]
            kept = [row for row in failures if before[row] == _READ]
            if kept:
                features[kept] = self._group["features"][rows][kept]
            failures = {row: failures[row] for row in failures if row not in kept}
        errors = np.full(len(features), "", dtype=object)
        state = np.full(len(features), _READ, dtype=np.uint8)
        for row, error in failures.items():
            (reason,) = error.failures.values()
            errors[row] = printable(reason)
            state[row] = _OUT_OF_REACH if isinstance(error, OutOfReachError) else _UNREADABLE
        self._group["features"][rows] = features
        self._group["errors"][rows] = errors
        self._group["state"][rows] = state

    @_patient
    def read_errors(self, paths):
        """Return why songs could not be read, by path."""
        rows = np.flatnonzero(self._read_state() > _READ)
        errors = self._group["errors"].oindex[rows] if len(rows) else []
        return {paths[row]: str(error) for row, error in zip(rows, errors, strict=True)}


def _count_compressed(size, row_shape):
    """Return how many songs to compress together: a divisor of those that are stored together."""
    most = max(1, _BYTES_COMPRESSED // (4 * math.prod(row_shape)))
    return max(n for n in range(1, min(most, size) + 1) if size % n == 0)


def _without_file_scheme(out):
    """Return the path of a local folder, also if it is given as an address."""
    if not out:
        raise ValueError("out is empty; give the folder of the store, which may be new")
    scheme, slashes, place = out.partition("://")
    if scheme.lower() not in ("file", "local"):
        return out
    from fsspec.implementations.local import LocalFileSystem

    return LocalFileSystem._strip_protocol(scheme.lower() + slashes + place)


def _describe(transformer, paths, chunk):
    """Return what a store must have in common with a run that goes on with it."""
    kind, params, versions, revision = describe_features(transformer)
    names = hashlib.sha256()
    for path in paths:
        # other songs may have the same names in another folder
        names.update(as_seen_from_anywhere(path).encode("utf-8", "surrogatepass") + b"\0")
    return {
        "format": _FORMAT,
        "transformer": kind.__name__,
        "parameters": {name: repr(value) for name, value in sorted(params.items())},
        "versions": {**versions, "features": revision},
        "paths": names.hexdigest(),
        "chunk": chunk,
    }
