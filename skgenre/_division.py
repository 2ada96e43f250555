"""Songs for one purpose and songs for another, by genre and by artist."""

import warnings
from fractions import Fraction

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils import check_random_state

_MAX_FOLDS = 25


def hold_out_songs(genres, groups, fraction, seed):
    """Hold out about a fraction of the songs, by whole groups if given, and one group at least.

    Songs of each genre are held out, if possible. A genre whose groups would all be held out stays
    in training.

    Parameters
    ----------
    genres : ndarray of shape (n_songs,)
        The genre of each song.
    groups : ndarray of shape (n_songs,) or None
        The artist of each song, say.
    fraction : float
        About which share of the songs to hold out.
    seed : int
        What decides.

    Returns
    -------
    trained_on, held_out : ndarray of int
        The songs of each part.

    Raises
    ------
    ValueError
        If there is nothing that can be held out.
    """
    if groups is None:
        _refuse_single_songs(genres)
        return _shuffle_songs(genres, fraction, seed)
    random_state = check_random_state(seed)
    is_held_out = _shuffle_groups(genres, groups, fraction, random_state)
    untrained = np.setdiff1d(genres, genres[~is_held_out])
    is_held_out &= ~np.isin(groups, groups[np.isin(genres, untrained)])
    if not is_held_out.any():
        of_group = {group: groups == group for group in np.unique(groups)}
        spare = [group for group, own in of_group.items() if np.isin(genres, genres[~own]).all()]
        if not spare:
            raise ValueError("each group has a genre that no other group has")
        is_held_out = of_group[random_state.choice(spare)]
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


def _refuse_single_songs(genres):
    names, counts = np.unique(genres, return_counts=True)
    if counts.min() < 2:
        raise ValueError(
            f"a genre has one song only, and both parts need it: {names[counts < 2].tolist()}"
        )


def _shuffle_songs(genres, fraction, random_state):
    n_genres = len(np.unique(genres))
    n_second = min(max(n_genres, round(fraction * len(genres))), len(genres) - n_genres)
    splitter = StratifiedShuffleSplit(1, test_size=n_second, random_state=random_state)
    first, second = next(splitter.split(genres, genres))
    return np.sort(first), np.sort(second)


def _shuffle_groups(genres, groups, fraction, random_state):
    """Return whether each song is in the second part, which has some of many stratified folds."""
    share = Fraction(fraction).limit_denominator(_MAX_FOLDS)
    n_folds = share.denominator if 0 < share < 1 else _MAX_FOLDS
    _, counts = np.unique(genres, return_counts=True)
    n_folds = min(n_folds, len(np.unique(groups)), counts.max())
    if n_folds < 2:
        return np.zeros(len(genres), dtype=bool)
    n_taken = min(max(1, round(fraction * n_folds)), n_folds - 1)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        # it counts songs, where groups are what must suffice
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = [fold for _, fold in splitter.split(genres, genres, groups)]
    return np.isin(np.arange(len(genres)), np.concatenate(folds[:n_taken]))
