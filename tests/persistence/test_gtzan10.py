"""The classifier that comes with the package."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import load_model, model_card
from skgenre.datasets import load_gtzan, make_genre_clips

GENRES = [
    "blues",
    "classical",
    "country",
    "disco",
    "hiphop",
    "jazz",
    "metal",
    "pop",
    "reggae",
    "rock",
]


@pytest.fixture(scope="module")
def classifier():
    return load_model("gtzan-10")


def test_it_answers_from_the_start(classifier):
    X, _ = make_genre_clips(3, n_genres=3, duration=3.0, random_state=0)
    songs = [(waveform, 22050) for waveform in X]
    assert_array_equal(classifier.classes_, GENRES)
    proba = classifier.predict_proba(songs)
    assert_allclose(proba.sum(axis=1), 1, atol=1e-5)
    assert_array_equal(classifier.predict(songs), classifier.classes_[proba.argmax(axis=1)])


def test_its_card_says_how_good_it_is_and_what_it_learned_from():
    card = model_card("gtzan-10")
    assert "379 songs by 143 artists" in card
    assert "| artist |" in card


def test_its_pickle_is_its_name(classifier):
    X, _ = make_genre_clips(1, n_genres=1, duration=3.0, random_state=0)
    pickled = pickle.dumps(classifier)
    assert len(pickled) < 2000
    assert_array_equal(pickle.loads(pickled).predict_proba(X), classifier.predict_proba(X))


def test_it_knows_the_songs_that_it_learned_from(classifier, gtzan_home):
    data = load_gtzan(Path(gtzan_home, "clips30s"))
    songs = np.arange(0, len(data.paths), 8)
    assert classifier.score(data.paths[songs], data.target[songs]) > 0.8
