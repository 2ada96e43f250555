"""Songs for the branches of a unified model, and songs for its head."""

import inspect
import warnings

import numpy as np
from sklearn.base import is_classifier
from sklearn.feature_selection import SelectorMixin, VarianceThreshold
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit

_N_SHUFFLES = 10


def learns_from_genres(estimator):
    """Tell whether an estimator or a part of it classifies, selects, or needs y in fit."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return any(
        is_classifier(part) or _selects(part) or _needs_y(part)
        for part in parts
        if hasattr(part, "fit") and not isinstance(part, type)
    )


def _selects(estimator):
    return isinstance(estimator, SelectorMixin) and not isinstance(estimator, VarianceThreshold)


def _needs_y(estimator):
    y = inspect.signature(estimator.fit).parameters.get("y")
    return y is not None and y.default is inspect.Parameter.empty


def divide_songs(codes, groups, fraction, random_state):
    """Divide songs by genre, and by group if given, so that both parts have all genres.

    Parameters
    ----------
    codes : ndarray of shape (n_songs,)
        Genres as integers from 0.
    groups : array-like of shape (n_songs,) or None
        The artist of each song, say. None is in both parts, but those of genres of a single group.
    fraction : float
        About which share of the songs is in the second part.
    random_state : RandomState
        What to draw from.

    Returns
    -------
    first, second : ndarray of int
        The songs of each part.

    Raises
    ------
    ValueError
        If a genre has one song only.
    """
    n_genres = len(np.unique(codes))
    if np.bincount(codes).min() < 2:
        raise ValueError("a genre has one song only, and both parts need it")
    if groups is None:
        return _shuffle_split(codes, fraction, random_state)
    groups = np.asarray(groups)
    n_folds = min(max(2, round(1 / fraction)), len(np.unique(groups)))
    is_second = np.zeros(len(codes), dtype=bool)
    if n_folds > 1:
        splitters = [
            StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
            for _ in range(_N_SHUFFLES)
        ]
        with warnings.catch_warnings():
            # it counts songs, where groups are what must suffice
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            divisions = [fold for s in splitters for fold in s.split(codes, codes, groups)]

        def count_missing(division):
            return sum(n_genres - len(np.unique(codes[part])) for part in division)

        is_second[min(divisions, key=count_missing)[1]] = True
    for genre in range(n_genres):
        of_genre = np.flatnonzero(codes == genre)
        if is_second[of_genre].all() or not is_second[of_genre].any():
            _, second = _shuffle_split(codes[of_genre], fraction, random_state)
            is_second[of_genre] = np.isin(np.arange(len(of_genre)), second)
    return np.flatnonzero(~is_second), np.flatnonzero(is_second)


def _shuffle_split(codes, fraction, random_state):
    n_genres = len(np.unique(codes))
    n_second = min(max(n_genres, round(fraction * len(codes))), len(codes) - n_genres)
    splitter = StratifiedShuffleSplit(1, test_size=n_second, random_state=random_state)
    first, second = next(splitter.split(codes, codes))
    return np.sort(first), np.sort(second)
