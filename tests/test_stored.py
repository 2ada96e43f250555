"""Nets learn from a zarr array what they learn from the same array in memory."""

import numpy as np
import pytest
import zarr
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skgenre import (
    KerasCNNClassifier,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
)
from skgenre._stored import StoredSongs


@pytest.fixture(params=["bags", "spectrograms"])
def songs(request, bags, tmp_path):
    """Return songs in memory, two of which could not be read, the same on disk, and genres."""
    X, y = bags
    X = X if request.param == "bags" else X[:, 0]
    X = X.copy()
    X[[3, 30]] = np.nan
    stored = zarr.create_array(
        tmp_path / "X.zarr",
        shape=X.shape,
        shards=(16, *X.shape[1:]),
        chunks=(1, *X.shape[1:]),
        dtype="float32",
    )
    stored[:] = X
    return X, stored, y


def tiny_net(input_shape, n_classes):
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def make_net():
    return make_pipeline(
        SpectrogramScaler(),
        KerasCNNClassifier(
            architecture=tiny_net, epochs=2, validation_fraction=0.2, random_state=0
        ),
    )


@pytest.fixture
def few_songs_in_memory(monkeypatch):
    """Count the songs that are read at a time."""
    sizes = []
    read = StoredSongs._read

    def counted(self, rows):
        songs = read(self, rows)
        sizes.append(len(songs))
        return songs

    monkeypatch.setattr(StoredSongs, "_read", counted)
    monkeypatch.setattr("skgenre._stored._SONGS_TOGETHER", 7)
    return sizes


def test_nets_learn_the_same(songs, few_songs_in_memory):
    X, stored, y = songs
    expected = make_net().fit(X, y)
    found = make_net().fit(stored, y)
    assert_array_equal(found.predict(stored), expected.predict(X))
    assert_allclose(found.predict_proba(stored), expected.predict_proba(X), atol=1e-6)
    assert_allclose(found.predict_proba(X), expected.predict_proba(X), atol=1e-6)
    assert 0 < max(few_songs_in_memory) <= 7


def test_segments_are_answered_as_in_memory(songs, few_songs_in_memory):
    X, stored, y = songs
    net = make_net().fit(X, y)
    scaler, clf = net[0], net[-1]
    expected = clf.predict_segment_proba(scaler.transform(X))
    found = clf.predict_segment_proba(scaler.transform(stored))
    assert len(found) == len(expected)
    for own, other in zip(found, expected, strict=True):
        assert_allclose(own, other, atol=1e-6)
    assert max(few_songs_in_memory) <= 7


@pytest.mark.parametrize("method", ["standard", "minmax"])
def test_the_scaler_learns_the_same(songs, few_songs_in_memory, method):
    X, stored, _ = songs
    scaler, expected = SpectrogramScaler(method=method), SpectrogramScaler(method=method)
    scaled = scaler.fit_transform(stored)
    assert_allclose(np.concatenate(list(scaled.blocks())), expected.fit_transform(X), rtol=1e-6)
    assert_array_equal(scaler.mean_, expected.mean_)
    assert max(few_songs_in_memory) <= 7


def test_others_read_all_of_it(songs):
    X, stored, y = songs
    clf = make_pipeline(
        SegmentSummarizer(), SpectrogramScaler(), SegmentVotingClassifier(LogisticRegression())
    )
    assert_array_equal(clf.fit(stored, y).predict_proba(stored), clf.predict_proba(X))


def test_infinity_is_named(songs):
    _, stored, y = songs
    stored[20] = np.inf
    with pytest.raises(ValueError, match="infinity, in song 20"):
        make_net().fit(stored, y)
