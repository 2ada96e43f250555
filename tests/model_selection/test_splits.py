import unicodedata

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from skgenre import GTZANFilteredSplit, RepeatedStratifiedGroupKFold, artist_groups

GENRES = ["blues", "classical", "country", "disco", "hiphop"]
GENRES += ["jazz", "metal", "pop", "reggae", "rock"]
SONGS = [f"{genre}.{i:05}" for genre in GENRES for i in range(100)]


def test_the_lists_have_the_sizes_of_the_paper():
    [(train, valid)] = GTZANFilteredSplit().split(SONGS)
    [(both, test)] = GTZANFilteredSplit(train=("train", "valid"), test="test").split(SONGS)
    assert (len(train), len(valid), len(test)) == (443, 197, 290)
    assert set(both) == set(train) | set(valid)
    assert not set(both) & set(test)


def test_songs_are_known_by_their_names():
    paths = pd.Series([f"anywhere/{song.upper()}.au" for song in SONGS])
    [(train, _)] = GTZANFilteredSplit().split(paths)
    [(expected, _)] = GTZANFilteredSplit(SONGS).split(np.zeros((1000, 3)))
    np.testing.assert_array_equal(train, expected)


def test_a_search_takes_it():
    X, y = np.zeros((1000, 1)), [song.split(".")[0] for song in SONGS]
    search = GridSearchCV(
        DummyClassifier(), {"strategy": ["prior", "uniform"]}, cv=GTZANFilteredSplit(SONGS)
    )
    assert search.fit(X, y).n_splits_ == 1


@pytest.mark.parametrize(
    ("splitter", "X", "message"),
    [
        (GTZANFilteredSplit(), ["song.wav"], "'song.wav' is not the name of a song"),
        (GTZANFilteredSplit(), ["rock.00100.wav"], "is not the name of a song"),
        (GTZANFilteredSplit(), np.zeros((2, 2)), "pass names as songs="),
        (GTZANFilteredSplit(SONGS), ["rock.00001.wav"], "songs has 1000 names, and X has 1 rows"),
        (GTZANFilteredSplit(train="all"), SONGS, "train must be some of"),
        (GTZANFilteredSplit(train=("train", "valid")), SONGS, "share the list 'valid'"),
        (GTZANFilteredSplit(), SONGS[:1], "None of the 1 songs is in the list 'train'"),
    ],
)
def test_mistakes_are_named(splitter, X, message):
    with pytest.raises(ValueError, match=message):
        next(splitter.split(X))


def test_repeated_folds_keep_groups_apart_and_differ():
    y = np.repeat(["blues", "rock"], 12)
    groups = np.repeat(np.arange(12), 2)
    cv = RepeatedStratifiedGroupKFold(n_splits=3, n_repeats=4, random_state=0)
    folds = list(cv.split(y, y, groups))
    assert len(folds) == cv.get_n_splits() == 12
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
    assert len({tuple(test) for _, test in folds}) > 3
    again = list(cv.split(y, y, groups))
    assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(folds, again, strict=True))


def test_artists_are_groups_whatever_the_spelling():
    songs = pd.DataFrame({"artist": ["Earth, Wind & Fire", "earth wind AND fire", None, np.nan]})
    groups = artist_groups(songs)
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3
    punctuation = artist_groups(pd.DataFrame({"artist": ["!!!", "???", " ", ""]}))
    assert len(set(punctuation)) == 4
    with pytest.raises(ValueError, match="no 'artist'"):
        artist_groups(pd.DataFrame({"path": ["a"]}))


def test_spellings_of_an_artist_that_look_alike_are_one():
    artists = [unicodedata.normalize(form, "Björk") for form in ("NFC", "NFD")]
    assert artist_groups(pd.DataFrame({"artist": artists})).tolist() == ["björk", "björk"]
