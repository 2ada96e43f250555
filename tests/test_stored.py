"""Nets learn from a zarr array what they learn from the same array in memory."""

import dask.array
import numpy as np
import pytest
import zarr
from numpy.testing import assert_allclose, assert_array_equal
from pandas.testing import assert_frame_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    GroupStackingClassifier,
    KerasANNClassifier,
    KerasCNNClassifier,
    MelSpectrogramTransformer,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    compare_classifiers,
)
from skgenre._stored import StoredSongs


@pytest.fixture(params=["bags", "spectrograms", "table"])
def songs(request, bags, tmp_path):
    """Return songs in memory, two of which could not be read, the same on disk, and genres."""
    X, y = bags
    X = {"bags": X, "spectrograms": X[:, 0], "table": X[:, 0, :, 0]}[request.param].copy()
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
            keras.layers.Conv2D(4, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def make_net():
    return make_pipeline(
        SpectrogramScaler(),
        KerasCNNClassifier(
            architecture=tiny_net,
            epochs=2,
            batch_size=3,
            validation_fraction=0.2,
            random_state=0,
        ),
    )


@pytest.fixture
def few_songs_in_memory(songs, monkeypatch):
    """Count the songs that are read at a time."""
    sizes = []
    seven_songs = 7 * songs[0][0].nbytes
    read = StoredSongs._read

    def counted(self, rows):
        songs = read(self, rows)
        sizes.append(len(songs))
        return songs

    monkeypatch.setattr(StoredSongs, "_read", counted)
    monkeypatch.setattr("skgenre._stored._BYTES_IN_ORDER", seven_songs)
    monkeypatch.setattr("skgenre._stored._BYTES_IN_ANY_ORDER", seven_songs)
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
    blocks = [block for block, _ in scaled.blocks()]
    assert_allclose(np.concatenate(blocks), expected.fit_transform(X), rtol=1e-6)
    assert_array_equal(scaler.mean_, expected.mean_)
    assert max(few_songs_in_memory) <= 7


def test_others_read_all_of_it(songs):
    X, stored, y = songs
    clf = make_pipeline(
        SegmentSummarizer(), SpectrogramScaler(), SegmentVotingClassifier(LogisticRegression())
    )
    assert_array_equal(clf.fit(stored, y).predict_proba(stored), clf.predict_proba(X))


@pytest.mark.parametrize("in_between", [[], [SegmentSummarizer()]], ids=["alone", "summarised"])
def test_others_read_all_of_what_is_scaled(songs, in_between):
    X, stored, y = songs
    voting = SegmentVotingClassifier(LogisticRegression())
    clf = make_pipeline(SpectrogramScaler(), *in_between, voting)
    assert_allclose(clf.fit(stored, y).predict_proba(stored), clf.predict_proba(X))


ANSWERS = "predict", "transform", "predict_segment_proba"


def test_an_answer_reads_each_song_once(songs, few_songs_in_memory):
    X, stored, y = songs
    clf = make_net()[-1].fit(X, y)
    for method in ANSWERS:
        few_songs_in_memory.clear()
        assert len(getattr(clf, method)(stored)) == len(X)
        assert sum(few_songs_in_memory) == len(X)


@pytest.mark.parametrize(
    "clf",
    [
        SelectiveClassifier(LogisticRegression(), cv=2, target_precision=0.1),
        GroupStackingClassifier([("all", LogisticRegression())], cv=2, passthrough=True),
    ],
    ids=["selective", "stacking"],
)
def test_others_take_parts_of_it(table, clf):
    X, stored, y = table
    expected = clf.fit(X, y).predict_proba(X)
    assert_array_equal(clf.fit(stored, y).predict_proba(stored), expected)


def test_comparisons_take_parts_of_it(table, tmp_path):
    X, stored, y = table
    groups = np.arange(30) // 2
    clf = {"linear": make_pipeline(SpectrogramScaler(), LogisticRegression())}
    expected = compare_classifiers(clf, X, y, groups=groups, results=tmp_path / "results")
    found = compare_classifiers(clf, stored, y, groups=groups, results=tmp_path / "results")
    assert found["error"].isna().all()
    # the second one found the rows of the first
    assert_frame_equal(found.drop(columns="answers"), expected.drop(columns="answers"))


def test_waveforms_of_integers_are_scaled_as_in_memory():
    X = np.random.RandomState(0).randint(-3000, 3000, size=(8, 6000)).astype(np.int16)
    stored, y = zarr.array(X), np.tile(["blues", "rock"], 4)
    mel = MelSpectrogramTransformer(duration=0.2, n_mels=8)
    clf = SelectiveClassifier(
        make_pipeline(mel, SegmentVotingClassifier(LogisticRegression())),
        cv=2,
        target_precision=0.1,
    )
    expected = clf.fit(X, y).predict_proba(X)
    assert_array_equal(clf.fit(stored, y).predict_proba(stored), expected)


def test_arrays_of_other_libraries_are_read(songs):
    X, _, _ = songs
    expected = SpectrogramScaler().fit_transform(X)
    assert_array_equal(SpectrogramScaler().fit_transform(dask.array.from_array(X)), expected)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match="Complex data not supported"):
        SpectrogramScaler().fit(zarr.zeros((6, 2, 2), dtype="complex64"))


def test_infinity_is_named(songs):
    _, stored, y = songs
    stored[20] = np.inf
    with pytest.raises(ValueError, match="infinity, in song 20"):
        make_net().fit(stored, y)


@pytest.mark.parametrize(
    ("lost", "value", "said"),
    [
        ([33], np.inf, r"infinity, in song 33\."),
        ([33], 3e38, r"1 of 7 songs from X\[28\] on, the first of which is X\[33\]"),
        ([33, 34], 3e38, r"2 of 7 songs from X\[28\] on, .* X\[33\]\. .* reach 3e\+38"),
    ],
)
def test_a_song_without_an_answer_is_named(songs, few_songs_in_memory, lost, value, said):
    X, stored, y = songs
    clf = make_net()[-1].fit(X, y)
    clf.model_.set_weights([np.full_like(weight, 10) for weight in clf.model_.get_weights()])
    for song in lost:
        stored[song] = value
    for method in ANSWERS:
        with pytest.raises(ValueError, match=said):
            getattr(clf, method)(stored)


@pytest.fixture
def table(tmp_path):
    """Return a table in memory, the same on disk, and genres."""
    X = np.random.RandomState(0).normal(2, 3, size=(30, 5)).astype(np.float32)
    stored = zarr.create_array(tmp_path / "X.zarr", shape=X.shape, chunks=(8, 5), dtype="float32")
    stored[:] = X
    return X, stored, np.repeat(["blues", "rock", "pop"], 10)


def test_a_table_is_scaled_as_by_scikit_learn(table):
    X, stored, y = table
    scaler, expected = SpectrogramScaler().fit(stored), StandardScaler().fit(X)
    assert_allclose(scaler.mean_, expected.mean_, rtol=1e-6)
    assert_allclose(scaler.scale_, expected.scale_, rtol=1e-6)
    clf = make_pipeline(SpectrogramScaler(), LogisticRegression())
    assert_array_equal(clf.fit(stored, y).predict(stored), clf.predict(X))


def test_a_table_can_become_a_frame(table):
    X, stored, _ = table
    scaler = SpectrogramScaler().set_output(transform="pandas")
    assert_frame_equal(scaler.fit_transform(stored), scaler.transform(X))


def test_a_table_of_another_width_is_refused(table):
    _, stored, y = table
    clf = make_net().fit(stored, y)
    assert clf[-1].n_features_in_ == 5
    narrow = zarr.array(stored[:, :4])
    for step in (clf, clf[-1]):
        with pytest.raises(ValueError, match=r"X has 4 features, but .* is expecting 5 features"):
            step.predict(narrow)


@pytest.mark.parametrize(
    "settings",
    [
        {"gain": 0.5, "time_mask": 0.5, "frequency_mask": 0.5, "mixup": 0.2},
        {"class_weight": "balanced", "early_stopping": True, "learning_rate_schedule": "cosine"},
    ],
    ids=["augmentation", "validation"],
)
def test_nets_learn_the_same_with_all_settings(songs, few_songs_in_memory, settings):
    X, stored, y = songs
    net = KerasANNClassifier((4,), epochs=2, batch_size=3, random_state=0, **settings)
    expected = net.fit(np.nan_to_num(X), y).history_["loss"]
    stored[:] = np.nan_to_num(X)
    assert_allclose(net.fit(stored, y).history_["loss"], expected, rtol=1e-5)
    assert max(few_songs_in_memory) <= 7


def test_what_a_net_learned_from_is_told_where_it_diverges(table):
    _, stored, y = table
    stored[4] = 1e30
    with pytest.raises(FloatingPointError, match=r"scale X, which reaches 1e\+30"):
        KerasANNClassifier((4,), learning_rate=1e30, epochs=2, random_state=0).fit(stored, y)
