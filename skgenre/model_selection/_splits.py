import os
import re
import warnings
from numbers import Integral

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, check_cv
from sklearn.utils import check_random_state, check_scalar

from .._genres import check_genres
from ..datasets._gtzan import read_index

_SONG = re.compile(r"[a-z]+\.\d{5}", re.IGNORECASE)
_LISTS = ("train", "valid", "test")


def make_folds(cv, X, y, groups):
    """Return a list of (train, test) from whatever scikit-learn takes as ``cv``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        folds = list(check_cv(cv, y, classifier=True).split(X, y, groups))
    rows = np.arange(len(y))
    return [(rows[np.asarray(train)], rows[np.asarray(test)]) for train, test in folds]


def select_clips(X):
    """Return the clips of X, a sequence of them or a frame that has them as ``path``."""
    if isinstance(X, pd.DataFrame):
        return list(X["path"]) if "path" in X else list(X.to_numpy())
    return list(X)


class GTZANFilteredSplit:
    """The fault-filtered split of GTZAN, as a single fold.

    Kereliuk et al. [1]_ left out the excerpts of GTZAN that are replicas, wrongly labelled or
    distorted, and divided the others into lists of 443, 197 and 290 songs so that no artist is in
    two of them. Songs are recognised by name.

    Parameters
    ----------
    songs : sequence of str, default=None
        The name or path of each row of X, such as ``"blues.00000"``. ``None`` expects X to be a
        sequence of paths.
    train : {"train", "valid", "test"} or a tuple of them, default="train"
        The lists to train on.
    test : {"train", "valid", "test"} or a tuple of them, default="valid"
        The lists to test on.

    See Also
    --------
    skgenre.datasets.load_gtzan : Returns the lists as ``filtered_split``.
    sklearn.model_selection.PredefinedSplit : A split given by numbers.

    Notes
    -----
    Tune models on ``"valid"``, and use ``"test"`` only once, at the end.

    References
    ----------
    .. [1] C. Kereliuk, B. L. Sturm and J. Larsen, "Deep learning and music adversaries", IEEE
       Transactions on Multimedia 17(11), 2015.

    Examples
    --------
    >>> from skgenre.model_selection import GTZANFilteredSplit
    >>> paths = [f"genres/rock/rock.{i:05}.wav" for i in range(100)]
    >>> [(train, test)] = GTZANFilteredSplit(test=("valid", "test")).split(paths)
    >>> len(train), len(test)
    (44, 56)
    """

    def __init__(self, songs=None, *, train="train", test="valid"):
        self.songs = songs
        self.train = train
        self.test = test

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds, which is 1.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            Always 1.
        """
        return 1

    def split(self, X, y=None, groups=None):
        """Yield the indices of training and test songs.

        Parameters
        ----------
        X : sequence of paths or DataFrame with a column ``path``
            The songs, or anything with as many rows as ``songs``.
        y, groups : object
            Ignored.

        Yields
        ------
        train, test : ndarray of int of shape (n_train,) and (n_test,)
            The rows of each side. Songs that the lists leave out are on neither.

        Raises
        ------
        ValueError
            If a row is not a song of GTZAN by its name, a list is unknown or on both sides, or none
            of the songs is in one of the lists.
        """
        train, test = _as_lists("train", self.train), _as_lists("test", self.test)
        if shared := train & test:
            raise ValueError(f"train and test share the list {min(shared)!r}")
        if self.songs is not None and len(self.songs) != len(X):
            raise ValueError(f"songs has {len(self.songs)} names, and X has {len(X)} rows")
        names = [
            _song_name(song) for song in (select_clips(X) if self.songs is None else self.songs)
        ]
        of_song = read_index()["filtered_split"].reindex(names)
        sides = [np.flatnonzero(of_song.isin(lists)) for lists in (train, test)]
        for side, lists in zip(sides, (train, test), strict=True):
            if not len(side):
                raise ValueError(f"None of the {len(names)} songs is in the list {min(lists)!r}")
        yield tuple(sides)


def _as_lists(name, lists):
    lists = {lists} if isinstance(lists, str) else set(lists)
    if not lists or lists - set(_LISTS):
        raise ValueError(f"{name} must be some of {_LISTS}, got {sorted(lists)}")
    return lists


def _song_name(song):
    name = os.path.basename(song) if isinstance(song, str | os.PathLike) else None
    match = name and _SONG.match(name)
    if not match or match[0].lower() not in read_index().index:
        raise ValueError(f"{song!r} is not the name of a song of GTZAN; pass names as songs=")
    return match[0].lower()


class RepeatedStratifiedGroupKFold:
    """Repeat `StratifiedGroupKFold` with different folds each time.

    With artists as groups, the mean score does not depend on which artists happen to share a fold.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds of each repetition.
    n_repeats : int, default=10
        Number of repetitions.
    random_state : int, RandomState instance or None, default=None
        Seed for the folds. Pass an int to get the same folds in every call.

    See Also
    --------
    sklearn.model_selection.StratifiedGroupKFold : A single repetition.
    sklearn.model_selection.RepeatedStratifiedKFold : The same without groups.

    Examples
    --------
    >>> import numpy as np
    >>> from skgenre.model_selection import RepeatedStratifiedGroupKFold
    >>> y = np.repeat(["blues", "rock"], 8)
    >>> artists = np.repeat(np.arange(8), 2)
    >>> cv = RepeatedStratifiedGroupKFold(n_splits=4, n_repeats=3, random_state=0)
    >>> len(list(cv.split(y, y, artists)))
    12
    """

    def __init__(self, *, n_splits=5, n_repeats=10, random_state=None):
        self.n_splits = n_splits
        self.n_repeats = n_repeats
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None):
        """Return the number of folds of all repetitions.

        Parameters
        ----------
        X, y, groups : object
            Ignored.

        Returns
        -------
        n_splits : int
            ``n_splits * n_repeats``.
        """
        return self.n_splits * self.n_repeats

    def split(self, X, y, groups):
        """Yield the indices of training and test songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The songs.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,)
            The artist of each song.

        Yields
        ------
        train, test : ndarray of int of shape (n_train,) and (n_test,)
            The rows of each side. No artist is on both.
        """
        check_scalar(self.n_repeats, "n_repeats", Integral, min_val=1)
        y = check_genres(y)
        random_state = check_random_state(self.random_state)
        for _ in range(self.n_repeats):
            seed = random_state.randint(np.iinfo(np.int32).max)
            folds = StratifiedGroupKFold(self.n_splits, shuffle=True, random_state=seed)
            yield from folds.split(X, y, groups)
