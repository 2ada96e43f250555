"""What classifiers say of songs that they were not fitted on."""

import warnings
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import indexable
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from .._bags import divisible, validate_genres
from .._genres import check_groups
from ..audio._clips import keep_apart

_DEFAULT_FOLDS = 5


def validate_to_split(estimator, X, y, groups):
    """Return songs, genres and artists that can be split into folds."""
    return indexable(divisible(keep_apart(X)), validate_genres(estimator, y), check_groups(groups))


def make_folds(cv, X, y, groups):
    """Return training and test songs of each fold, as indices.

    Parameters
    ----------
    cv : int, cross-validation splitter, iterable of folds or None
        None means 5 folds, or as many as the commonest genre has songs if these are fewer.
    X, y : array-like of shape (n_songs,)
        Songs and their genres.
    groups : ndarray of shape (n_songs,) or None
        What must not be on both sides of a fold.

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Each song is in one test part, and no test part is empty.

    Raises
    ------
    ValueError
        If no genre has two songs, if a song is held out never or twice, if a group would be on both
        sides, or if a fold leaves one genre only to train on.
    """
    asked = "in folds" if cv is None else f"by cv={cv}"
    is_ours = cv is None or groups is not None
    if cv is None:
        commonest = np.unique(y, return_counts=True)[1].max()
        if commonest == 1:
            raise ValueError("No genre has 2 songs, so no song can be held out; add songs")
        cv = max(2, min(_DEFAULT_FOLDS, commonest))
    if groups is not None:
        n_groups = len(np.unique(groups))
        if n_groups < 2:
            raise ValueError("groups needs at least 2 different groups to keep apart, got 1")
        if isinstance(cv, Integral):
            cv = StratifiedGroupKFold(min(cv, n_groups))
    with warnings.catch_warnings():
        if is_ours:
            # a fold need not hold songs of each genre
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        try:
            folds = list(check_cv(cv, y, classifier=True).split(X, y, groups))
        except ValueError as error:
            raise ValueError(f"{len(y)} songs cannot be divided {asked}: {error}") from error
    # StratifiedGroupKFold leaves some of them empty where groups are of very different sizes
    folds = [(train, test) for train, test in folds if len(test)]
    songs = np.concatenate([test for _, test in folds])
    if not np.array_equal(np.sort(songs), np.arange(len(y))):
        raise ValueError(f"cv={cv} must hold out each song exactly once")
    for train, test in folds:
        if groups is not None and len(shared := np.intersect1d(groups[train], groups[test])):
            raise ValueError(
                f"cv={cv} leaves songs of groups {shared.tolist()} on both sides of a fold"
            )
        if len(np.unique(y[train])) < 2:
            genres = np.unique(y[train]).tolist()
            raise ValueError(
                "Each fold must leave songs of 2 classes to train on, but one leaves "
                f"{genres} alone; add songs, or groups of songs, of the other classes"
            )
    return folds


class Answer(NamedTuple):
    """What a classifier says of the songs of a fold."""

    values: np.ndarray
    classes: np.ndarray | None
    """What the columns stand for; None for predicted genres."""


def fit_and_answer(model, X, y, params, method, train, test):
    """Fit a classifier on the songs of one part, and return its `Answer` for those of another."""
    X_train, y_train = _safe_split(model, X, y, train)
    X_test, _ = _safe_split(model, X, y, test, train)
    model.fit(X_train, y_train, **_check_method_params(X, params, train))
    return Answer(getattr(model, method)(X_test), None if method == "predict" else model.classes_)


def join_answers(answers, folds, classes, method="predict_proba"):
    """Put the answers of folds in the order of songs.

    A genre that a fit has not met has the probability 0, or what was decided for the least likely.
    """
    parts = [_fill(answer, classes, method) for answer in answers]
    songs = np.concatenate([test for _, test in folds])
    return np.concatenate(parts)[np.argsort(songs)]


def _fill(answer, classes, method):
    values, met = answer
    if met is None or len(met) == len(classes):
        return values
    if method == "decision_function":
        values = np.stack([-values, values], axis=1) if values.ndim == 1 else values
        filled = np.repeat(values.min(axis=1, keepdims=True), len(classes), axis=1)
    else:
        filled = np.zeros((len(values), len(classes)), dtype=values.dtype)
    filled[:, np.searchsorted(classes, met)] = values
    return filled


def find_met(answers, folds, y):
    """Return for each song whether the fit that answered for it had met its genre."""
    is_met = np.zeros(len(y), dtype=bool)
    for (_, met), (_, test) in zip(answers, folds, strict=True):
        is_met[test] = np.isin(y[test], met)
    return is_met
