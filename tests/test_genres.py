"""Each song has a genre, or a message says which one has none."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.preprocessing import StandardScaler

from skgenre import (
    FeatureWizSelector,
    GaussianMixtureClassifier,
    GroupStackingClassifier,
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    ReliabilityDisplay,
    SegmentVotingClassifier,
    UnifiedGenreClassifier,
    Wav2VecClassifier,
)
from skgenre._genres import check_genres
from skgenre.model_selection import (
    RepeatedStratifiedGroupKFold,
    check_leakage,
    compare_classifiers,
)

GENRES = ["blues", "rock", "blues", "rock"]
X = np.random.RandomState(0).normal(size=(4, 3))


@pytest.mark.parametrize(
    "y",
    [
        GENRES,
        tuple(GENRES),
        np.array(GENRES),
        np.array(GENRES, dtype=object),
        pd.Series(GENRES, index=[7, 7, 8, 9]),
        pd.Series(GENRES, dtype="category"),
        pd.Series(GENRES, dtype="string"),
        pd.Index(GENRES),
    ],
    ids=lambda y: type(y).__name__,
)
def test_genres_of_any_sequence(y):
    assert_array_equal(check_genres(y), GENRES)


def test_genres_that_are_numbers():
    assert_array_equal(check_genres([3, 1, 2]), [3, 1, 2])
    assert_array_equal(check_genres(np.array([True, False])), [True, False])
    assert_array_equal(check_genres(pd.Series([3, 1, 2], dtype="Int64")), [3, 1, 2])


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT, ""])
@pytest.mark.parametrize(
    "kind",
    [list, np.array, pd.Series, lambda y: np.array(y, dtype=object)],
    ids=["list", "array", "series", "objects"],
)
def test_a_missing_genre_is_named_by_its_row(kind, missing):
    with pytest.raises(ValueError, match=r"Each song needs a genre, but y\[2\] is "):
        check_genres(kind(["blues", "rock", missing, "rock"]))


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, np.nan, 1],
        pd.Series([0, 1, None, 1], dtype="Int64"),
        pd.Categorical(["blues", "rock", None, "rock"]),
        np.ma.array([0, 1, 0, 1], mask=[0, 0, 1, 0]),
        pd.Series(["blues", "rock", None, "rock"], index=[5, 6, 7, 8]),
    ],
    ids=str,
)
def test_missing_among_numbers_categories_and_masks(y):
    with pytest.raises(ValueError, match=r"y\[2\] is "):
        check_genres(y)


def test_many_missing_genres_are_counted():
    with pytest.raises(ValueError, match=r"y\[4\] is None, and 3 more are missing\. Leave"):
        check_genres([None] * 8 + ["rock"])


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([], "y is empty"),
        (None, "y must be a sequence"),
        ("rock", "y must be a sequence .* got 'rock'"),
        ({"song": "rock"}, "y must be a sequence"),
        (["rock", 3], r"all strings or all numbers.* y\[1\] is 3"),
        ([3, "rock", 3], r"y\[0\] is 3"),
        (["rock", ["pop", "soul"]], r"one for each song, but y\[1\] is \['pop', 'soul'\]"),
        (np.eye(3), "1d array"),
    ],
    ids=str,
)
def test_what_is_no_list_of_genres_is_explained(y, message):
    with pytest.raises(ValueError, match=message):
        check_genres(y)


@pytest.mark.parametrize(
    "estimator",
    [
        FeatureWizSelector(),
        GaussianMixtureClassifier(),
        GroupStackingClassifier([("linear", LogisticRegression())], cv=2),
        KerasANNClassifier(epochs=1),
        KerasCNNClassifier(epochs=1),
        KerasRNNClassifier(epochs=1),
        SegmentVotingClassifier(LogisticRegression()),
        UnifiedGenreClassifier(branches=[("scale", StandardScaler())], cv=2),
        Wav2VecClassifier(),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_all_that_learn_from_genres_name_the_row(estimator):
    with pytest.raises(ValueError, match=r"y\[1\] is nan"):
        estimator.fit(X, ["blues", np.nan, "blues", "rock"])
    with pytest.raises(ValueError, match=r"y is empty|inconsistent numbers"):
        estimator.fit(X, [])


def test_all_that_compare_genres_name_the_row():
    y = ["blues", "rock", None, "rock"]
    linear = LogisticRegression()
    stack = UnifiedGenreClassifier(branches=[("scale", StandardScaler())], cv=2).fit(X, GENRES)
    for call in (
        lambda: compare_classifiers({"linear": linear}, X, y, protocols={"two": KFold(2)}),
        lambda: check_leakage(X, y, KFold(2), groups=[0, 0, 1, 1]),
        lambda: list(RepeatedStratifiedGroupKFold(n_splits=2).split(X, y, [0, 1, 2, 3])),
        lambda: ReliabilityDisplay.from_predictions(y, np.full((4, 2), 0.5)),
        lambda: stack.score_branches(X, y),
    ):
        with pytest.raises(ValueError, match=r"y\[2\] is None"):
            call()


@pytest.mark.parametrize("empty", [[], np.empty((0, 3)), pd.DataFrame()], ids=str)
@pytest.mark.parametrize(
    "estimator",
    [
        GaussianMixtureClassifier(),
        GroupStackingClassifier([("linear", LogisticRegression())], cv=2),
        KerasANNClassifier((4,), epochs=1),
        SegmentVotingClassifier(LogisticRegression()),
        UnifiedGenreClassifier(branches=[("scale", StandardScaler())], cv=2),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_no_songs_to_answer(estimator, empty):
    fitted = clone(estimator).fit(X, GENRES)
    with pytest.raises(ValueError, match="X is empty; pass one song at least"):
        fitted.predict(empty)
