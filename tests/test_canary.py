"""With labels drawn at random over unique songs, no path may score above chance.

Songs whose segments resemble each other make this a test: a pipeline that parts the segments of a
song between training and test recognises the song, and so its random label.
"""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    KerasANNClassifier,
    KerasCNNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
)

SR = 4000
N_SONGS, N_SEGMENTS = 120, 4
FRAMES = {"sr": SR, "n_fft": 256, "hop_length": 128, "n_mels": 20, "n_segments": N_SEGMENTS}
BUDGET = {"epochs": 12, "learning_rate": 3e-3, "random_state": 0}
# Three standard deviations of the accuracy of guessing among two genres.
CHANCE = 0.5 + 3 * np.sqrt(0.25 / N_SONGS)


@pytest.fixture(scope="module")
def unique_songs():
    """Return waveforms whose segments resemble each other and no other song, and random labels."""
    rng = np.random.RandomState(0)
    time = np.arange(SR) / SR
    tones = rng.uniform(100, 1900, size=(N_SONGS, 6, 1))
    X = np.sin(2 * np.pi * tones * time).sum(axis=1) + rng.normal(0, 0.3, size=(N_SONGS, SR))
    return X.astype(np.float32), rng.permutation(np.repeat(["jazz", "rock"], N_SONGS // 2))


def segmenter():
    return MFCCSegmenter(duration=1.0, n_mfcc=10, **FRAMES)


def ragged_segmenter():
    return MFCCSegmenter(
        duration=1.0, n_mfcc=10, **{**FRAMES, "n_segments": None}, segment_duration=0.25
    )


def nearest():
    return SegmentVotingClassifier(KNeighborsClassifier(1))


def ann(**params):
    return KerasANNClassifier((32,), **BUDGET, **params)


def cnn():
    return KerasCNNClassifier(architecture_params={"filters": (8,), "dense_units": 16}, **BUDGET)


# From clips to segments, and from segments to genres.
PATHS = {
    "voting": (segmenter(), make_pipeline(SpectrogramScaler(), nearest())),
    "ragged bags": (ragged_segmenter(), make_pipeline(SpectrogramScaler(), nearest())),
    "mel": (
        MelSpectrogramTransformer(duration=1.0, **FRAMES),
        make_pipeline(SpectrogramScaler(), nearest()),
    ),
    "summary": (
        segmenter(),
        make_pipeline(SegmentSummarizer(), StandardScaler(), KNeighborsClassifier(1)),
    ),
    "ann": (segmenter(), make_pipeline(SpectrogramScaler(), ann())),
    "cnn": (segmenter(), make_pipeline(SpectrogramScaler(), cnn())),
}


def score(pipeline, X, y):
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    return cross_val_score(pipeline, X, y, cv=cv).mean()


PATH_NAMES = [
    pytest.param(name, marks=[pytest.mark.slow] if name == "cnn" else []) for name in PATHS
]


@pytest.mark.parametrize("name", PATH_NAMES)
def test_every_segment_aware_path_is_at_chance(unique_songs, name):
    assert score(make_pipeline(*PATHS[name]), *unique_songs) < CHANCE


@pytest.mark.parametrize("name", PATH_NAMES)
def test_the_canary_sings_where_segments_are_flattened_before_the_split(unique_songs, name):
    X, y = unique_songs
    to_segments, to_genres = PATHS[name]
    each_as_a_song = np.concatenate(list(to_segments.fit_transform(X)))[:, np.newaxis]
    assert score(to_genres, each_as_a_song, np.repeat(y, N_SEGMENTS)) > CHANCE


def test_the_songs_that_a_net_holds_out_are_at_chance(unique_songs):
    X, y = unique_songs
    net = make_pipeline(segmenter(), SpectrogramScaler(), ann(validation_fraction=0.4)).fit(X, y)
    assert net[-1].history_["accuracy"][-1] > 0.75
    assert net[-1].history_["val_accuracy"][-1] < 0.5 + 3 * np.sqrt(0.25 / (0.4 * N_SONGS))
