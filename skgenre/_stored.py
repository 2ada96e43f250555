"""Songs in a zarr array, of which few are in memory at any time."""

import math
import sys
from collections.abc import Sequence

import numpy as np

_BYTES_IN_ORDER = 2**23
# More than in order, since those of any order are spread over all chunks.
_BYTES_IN_ANY_ORDER = 2**25
# Of songs that are stored side by side, at least so many are mixed, since stores are often sorted
# by genre.
_GROUPS_TOGETHER = 64


def count_together(row_shape, n_bytes=None):
    """Return how many songs of float32 features are held in memory at a time."""
    return max(1, (n_bytes or _BYTES_IN_ORDER) // (4 * math.prod(row_shape)))


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
            return self._read(rows[np.newaxis])[0]
        readable = None if self._readable is None else self._readable[songs]
        return StoredSongs(self._array, rows, self._changes, readable)

    def _read(self, rows):
        is_slice = len(rows) and np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows)))
        # twice as fast
        songs = self._array[rows[0] : rows[-1] + 1] if is_slice else self._array.oindex[rows]
        songs = np.asarray(songs, dtype=np.float32)
        for change in self._changes:
            songs = change(songs)
        return songs

    def __array__(self, dtype=None, copy=None):
        return self._read(self._rows).astype(dtype or self.dtype, copy=False)

    def map(self, change):
        """Return the same songs, changed by a function when they are read."""
        return StoredSongs(self._array, self._rows, (*self._changes, change), self._readable)

    def blocks(self):
        """Yield arrays (n_songs, ...) of a few songs at a time, and which of them hold no NaN.

        Raises
        ------
        ValueError
            If there is infinity; the message has the number of the song.
        """
        n_together = count_together(self.shape[1:])
        for start in range(0, len(self), n_together):
            songs = np.asarray(self[start : start + n_together])
            flat = songs.reshape(len(songs), -1)
            is_infinite = np.isinf(flat).any(axis=1)
            if is_infinite.any():
                song = start + is_infinite.argmax()
                raise ValueError(f"Input X contains infinity, in song {song}.")
            yield songs, ~np.isnan(flat).any(axis=1)

    @property
    def readable(self):
        if self._readable is None:
            self._readable = np.concatenate([readable for _, readable in self.blocks()])
        return self._readable

    def groups(self, n_most):
        """Return a number for each song, the same for up to ``n_most`` compressed together."""
        n_compressed = self._array.chunks[0]
        n_parts = -(-n_compressed // n_most)
        return self._rows * n_parts // n_compressed

    @property
    def are_grouped(self):
        """Whether reading one song decompresses others, too."""
        return self._array.chunks[0] > 1

    def segments(self):
        """Return the segments of all songs, as a sequence that reads them when asked."""
        return StoredSegments(self)


class StoredSegments(Sequence):
    """Segments (n_bands, n_frames) of stored songs, in their order.

    Attributes
    ----------
    n_together : int
        How many are read at a time.
    is_grouped : bool
        Whether an epoch in any order would read songs again and again, since others are compressed
        with them. `shuffle_groups` has an order that does not.
    """

    def __init__(self, songs):
        self._songs = songs
        self._n_segments = songs.shape[1] if songs.ndim == 4 else 1
        self._shape = (songs.shape[1], 1) if songs.ndim == 2 else songs.shape[-2:]
        n_songs = self._n_songs_together = count_together(songs.shape[1:], _BYTES_IN_ANY_ORDER)
        fits = len(songs) <= n_songs
        self.is_grouped = songs.are_grouped and not fits
        # in any order, each may be of another song
        self.n_together = n_songs * (self._n_segments if fits or self.is_grouped else 1)

    def __len__(self):
        return len(self._songs) * self._n_segments

    def __getitem__(self, i):
        return self.read(np.array([i]))[0]

    def __iter__(self):
        for start in range(0, len(self), self.n_together):
            yield from self.read(np.arange(start, min(start + self.n_together, len(self))))

    def read(self, numbers):
        """Return an array of the segments of any numbers, which are read together."""
        songs, of_song = np.unique(numbers // self._n_segments, return_inverse=True)
        segments = np.asarray(self._songs[songs]).reshape(-1, *self._shape)
        return segments[of_song * self._n_segments + numbers % self._n_segments]

    def shuffle_groups(self, random_state, n_turns):
        """Return the numbers of all segments, in turns that are each spread over the whole store.

        Songs that are compressed together have the same turn. Of ``n_turns`` such groups that
        follow each other, each has its own.
        """
        groups = self._songs.groups(max(1, self._n_songs_together // _GROUPS_TOGETHER))
        shape = -(-(groups.max() + 1) // n_turns), n_turns
        turns = random_state.uniform(size=shape).argsort(axis=1) + random_state.uniform(size=shape)
        songs = np.argsort(turns.ravel()[groups], kind="stable")
        return (songs[:, np.newaxis] * self._n_segments + np.arange(self._n_segments)).ravel()
