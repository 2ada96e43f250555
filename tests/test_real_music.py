"""What the synthetic tests say, on real clips; skipped where there are none."""

import pickle

import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skgenre import (
    KerasCNNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SegmentSummarizer,
    SpectrogramScaler,
    make_genre_classifier,
)
from skgenre.datasets import load_gtzan


@pytest.fixture(scope="module")
def long_clips(gtzan_home):
    return load_gtzan(f"{gtzan_home}/clips30s")


@pytest.fixture(scope="module")
def short_clips(gtzan_home):
    return load_gtzan(f"{gtzan_home}/clips3s")


def one_of_each_genre(data):
    _, first = np.unique(data.target, return_index=True)
    return data.paths[first]


def test_mel_and_mfcc_equal_librosa(long_clips):
    paths = one_of_each_genre(long_clips)
    mel = MelSpectrogramTransformer(n_jobs=2).fit_transform(paths)
    float64 = MelSpectrogramTransformer(top_db=None, n_jobs=2).fit_transform(paths)
    mfcc = MFCCSegmenter(n_jobs=2).fit_transform(paths)
    for i, path in enumerate(paths):
        y, sr = librosa.load(path)
        y = np.resize(y, 30 * sr)
        power = librosa.feature.melspectrogram(y=y, sr=sr)
        assert_allclose(mel[i], librosa.power_to_db(power), atol=1e-3)
        assert_allclose(float64[i], librosa.power_to_db(power, top_db=None), atol=1e-4)
        for segment, part in zip(mfcc[i], y.reshape(10, 3 * sr), strict=True):
            expected = librosa.feature.mfcc(y=part, sr=sr, n_mfcc=13)
            assert_allclose(segment, expected, rtol=1e-5, atol=2e-3)


def test_genres_of_unknown_artists_are_told_better_than_by_guessing(short_clips):
    """Train and valid list share no artist; the most frequent genre is right for one in seven."""
    train, valid = short_clips.filtered_split == "train", short_clips.filtered_split == "valid"
    assert not set(short_clips.groups[train]) & set(short_clips.groups[valid])
    clf = make_pipeline(
        MFCCSegmenter(duration=3.0, n_segments=1, n_jobs=2),
        SegmentSummarizer(),
        StandardScaler(),
        SVC(C=10),
    ).fit(short_clips.paths[train], short_clips.target[train])
    assert clf.score(short_clips.paths[valid], short_clips.target[valid]) > 0.2


@pytest.mark.slow
def test_the_net_knows_the_songs_it_was_trained_on(long_clips):
    clf = make_pipeline(
        MFCCSegmenter(n_jobs=2),
        SpectrogramScaler(),
        KerasCNNClassifier(epochs=5, learning_rate=1e-3, random_state=0),
    ).fit(long_clips.paths, long_clips.target)
    accuracy_of_segments = clf[-1].history_["accuracy"][-1]
    assert accuracy_of_segments > 0.6
    assert clf.score(long_clips.paths, long_clips.target) > accuracy_of_segments - 0.1


@pytest.mark.slow
def test_a_unified_model_from_paths_to_a_pickle(short_clips):
    rows = [np.flatnonzero(short_clips.target == genre)[:18] for genre in ("classical", "metal")]
    train, test = np.concatenate([r[:17] for r in rows]), np.concatenate([r[17:] for r in rows])
    clf = make_genre_classifier(
        "unified-featurewiz",
        duration=3.0,
        random_state=0,
        unified__cnn__cnn__epochs=5,
        unified__cv=2,
    )
    clf.fit(short_clips.paths[train], short_clips.target[train])
    proba = clf.predict_proba(short_clips.paths[test])
    assert_array_equal(
        pickle.loads(pickle.dumps(clf)).predict_proba(short_clips.paths[test]), proba
    )
    assert list(clf.predict(short_clips.paths[test])) == ["classical", "metal"]
    scores = clf[-1].score_branches(short_clips.paths[test], short_clips.target[test])
    assert list(scores.index) == ["cnn", "descriptors", "musicnn", "oracle", "unified"]
