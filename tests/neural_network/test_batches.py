"""An epoch from a store reads each song about once, whatever the size of the store."""

import numpy as np
import pytest
import zarr
from numpy.testing import assert_array_equal

from skgenre import _stored
from skgenre._stored import StoredSongs
from skgenre.neural_network._batches import SegmentBatches

N_SONGS, N_GENRES, TOGETHER, WINDOW = 960, 5, 8, 96


@pytest.fixture(params=["table", "bags"])
def features(request, monkeypatch):
    """Return songs of which 96 are read at a time; the first number of each segment tells it."""
    shape = {"table": (N_SONGS, 3), "bags": (N_SONGS, 4, 3, 2)}[request.param]
    X = np.zeros(shape, dtype=np.float32)
    numbers = X.reshape(-1, 3) if request.param == "table" else X.reshape(-1, 3, 2)[..., 0]
    numbers[:, 0] = np.arange(len(numbers))
    monkeypatch.setattr(_stored, "_BYTES_IN_ANY_ORDER", WINDOW * X[0].nbytes)
    monkeypatch.setattr(_stored, "_GROUPS_TOGETHER", 12)
    return X


@pytest.fixture
def groups_read(monkeypatch):
    """Note which rows, in groups of eight, each reading of a store is of."""
    found = []
    read = StoredSongs._read

    def noted(self, rows):
        found.append(set(rows // TOGETHER))
        return read(self, rows)

    monkeypatch.setattr(StoredSongs, "_read", noted)
    return found


def store(X, together):
    stored = zarr.create_array(
        zarr.storage.MemoryStore(),
        shape=X.shape,
        chunks=(together, *X.shape[1:]),
        dtype="float32",
    )
    stored[:] = X
    return StoredSongs(stored)


def make_batches(segments, batch_size=10):
    return SegmentBatches(
        segments,
        np.zeros((len(segments), 2)),
        np.arange(len(segments)),
        batch_size=batch_size,
        random_state=np.random.RandomState(0),
    )


def read_epoch(batches):
    """Return the numbers of an epoch's segments, as they are read and as they are weighted."""
    steps = [batches[i] for i in range(len(batches))]
    batches.on_epoch_end()
    read = [segments.reshape(len(segments), -1)[:, 0] for segments, _, _ in steps]
    return np.concatenate(read).astype(int), np.concatenate([weights for _, _, weights in steps])


@pytest.mark.parametrize("part", ["all", "some"])
def test_an_epoch_reads_each_group_about_once(features, groups_read, part):
    rng = np.random.RandomState(0)
    kept = np.arange(N_SONGS) if part == "all" else np.sort(rng.permutation(N_SONGS)[:700])
    songs = store(features, TOGETHER)[kept]
    segments = songs.segments()
    n_of_song = len(segments) // len(kept)
    batches, orders = make_batches(segments), []
    for _ in range(2):
        groups_read.clear()
        read, weights = read_epoch(batches)
        numbers = kept[weights // n_of_song] * n_of_song + weights % n_of_song
        assert_array_equal(read, numbers)
        assert_array_equal(np.sort(weights), np.arange(len(segments)))
        n_windows = len(groups_read)
        assert n_windows <= len(kept) / WINDOW + 1
        # a group may lie in two windows
        n_groups = len(np.unique(kept // TOGETHER))
        assert sum(map(len, groups_read)) <= n_groups + n_windows
        orders.append(weights)
    assert not np.array_equal(*orders)


# those of a store that somebody else made may be larger than a window
@pytest.mark.parametrize("together", [TOGETHER, 320])
def test_genres_that_lie_one_after_the_other_are_mixed(features, together):
    segments = store(features, together).segments()
    read, _ = read_epoch(make_batches(segments))
    assert_array_equal(np.sort(read), np.arange(len(segments)))
    genres = read * N_GENRES // len(segments)
    for window in np.array_split(genres, N_SONGS // WINDOW):
        shares = np.bincount(window, minlength=N_GENRES) / len(window)
        assert shares.min() > 0.04
        assert shares.max() < 0.4
    for few in np.array_split(genres, len(segments) // 30):
        assert len(set(few)) > 2


def test_songs_that_fit_together_are_in_the_order_of_those_in_memory(features, groups_read):
    X = features[:WINDOW]
    segments = store(X, TOGETHER).segments()
    in_memory = [np.asarray(segment) for segment in segments]
    groups_read.clear()
    batches, expected = make_batches(segments), make_batches(in_memory)
    for n_epochs in (1, 2):
        assert_array_equal(read_epoch(batches)[0], read_epoch(expected)[0])
        assert len(groups_read) == n_epochs


def test_songs_that_are_compressed_singly_are_in_the_order_of_those_in_memory(features):
    segments = store(features, 1).segments()
    batches, expected = make_batches(segments), make_batches(list(segments))
    assert_array_equal(read_epoch(batches)[0], read_epoch(expected)[0])
