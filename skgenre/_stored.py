"""Songs in a zarr array, of which few are in memory at any time."""

import sys
from collections.abc import Sequence

import numpy as np

_SONGS_TOGETHER = 64


def is_stored(X):
    """Tell whether X is a zarr array."""
    zarr = sys.modules.get("zarr")
    return zarr is not None and isinstance(X, zarr.Array)


class StoredSongs:
    """Rows of a zarr array, read when they are asked for.

    Parameters
    ----------
    array : zarr.Array of shape (n_songs, ...)
        The features of songs.
    rows : ndarray of int, default=None
        The songs that are meant. ``None``: all.
    changes : tuple of callable, default=()
        What is done with songs (n_songs, ...) after they are read.

    Attributes
    ----------
    readable : ndarray of bool, shape (n_songs,)
        Which songs hold no NaN. All songs are read once for it.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, array, rows=None, changes=(), readable=None):
        self._array, self._changes, self._readable = array, changes, readable
        self._rows = np.arange(array.shape[0]) if rows is None else rows
        self.shape = (len(self._rows), *array.shape[1:])
        self.ndim = array.ndim

    def __len__(self):
        return len(self._rows)

    def __getitem__(self, songs):
        """Return one song, or those of a slice, of indices or of a mask, which are not read yet."""
        rows = self._rows[songs]
        if np.ndim(rows) == 0:
            return self._read(slice(rows, rows + 1))[0]
        readable = None if self._readable is None else self._readable[songs]
        return StoredSongs(self._array, rows, self._changes, readable)

    def _read(self, rows):
        songs = self._array[rows] if isinstance(rows, slice) else self._array.oindex[rows]
        songs = np.asarray(songs, dtype=np.float32)
        for change in self._changes:
            songs = change(songs)
        return songs

    def map(self, change):
        """Return the same songs, changed by a function when they are read."""
        return StoredSongs(self._array, self._rows, (*self._changes, change), self._readable)

    def blocks(self):
        """Yield arrays (n_songs, ...) of a few songs at a time."""
        for start in range(0, len(self), _SONGS_TOGETHER):
            yield self._read(self._rows[start : start + _SONGS_TOGETHER])

    @property
    def readable(self):
        if self._readable is None:
            self._readable = self._look()
        return self._readable

    def _look(self):
        readable: list[bool] = []
        for block in self.blocks():
            flat = block.reshape(len(block), -1)
            if np.isinf(flat).any():
                song = len(readable) + np.isinf(flat).any(axis=1).argmax()
                raise ValueError(f"Input X contains infinity, in song {song}.")
            readable += (~np.isnan(flat).any(axis=1)).tolist()
        return np.array(readable)

    def segments(self):
        """Return the segments of all songs, as a sequence that reads each when asked."""
        return _StoredSegments(self)


class _StoredSegments(Sequence):
    def __init__(self, songs):
        self._songs = songs
        self._n_segments = songs.shape[1] if songs.ndim == 4 else 1

    def __len__(self):
        return len(self._songs) * self._n_segments

    def __getitem__(self, i):
        song, segment = divmod(i, self._n_segments)
        features = self._songs[song]
        return features[segment] if self._songs.ndim == 4 else features
