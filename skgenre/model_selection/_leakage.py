import os
import warnings

import numpy as np
import pandas as pd
from sklearn.utils import check_consistent_length

from .._genres import check_genres, check_groups
from .._names import printable
from .._tables import make_table
from ..audio._copies import find_copies
from ._splits import make_folds, select_clips

# What may be on both sides of a split, from bad to worst.
KINDS = ("artist", "replica", "file", "segments")
_SAME = {
    "artist": "group",
    "replica": "recording",
    "file": "file",
    "segments": "song, cut in segments,",
}
_N_NAMED = 5


class LeakageError(ValueError):
    """The same music, or the same artist, is on both sides of a train/test split.

    Parameters
    ----------
    message : str
        Which songs are on both sides.
    leaks : DataFrame, default=None
        The table that becomes the attribute ``leaks``.

    Attributes
    ----------
    leaks : DataFrame or None
        One row for each fold and each file, recording, song or group that is on both sides:
        ``fold``, ``kind``, and one song from each side as ``train`` and ``test``.

    See Also
    --------
    check_leakage : Raises it.

    Examples
    --------
    >>> from sklearn.model_selection import KFold
    >>> from skgenre.datasets import make_genre_clips
    >>> from skgenre.model_selection import LeakageError, check_leakage
    >>> X, y, artists = make_genre_clips(
    ...     4, n_genres=2, duration=2.0, n_artists_per_genre=1, random_state=0, return_groups=True
    ... )
    >>> try:
    ...     check_leakage(X, y, KFold(2), artists)
    ... except LeakageError as error:
    ...     print(error.leaks[["fold", "kind", "train", "test"]])
       fold    kind  train   test
    0     0  artist  row 2  row 0
    1     0  artist  row 3  row 1
    2     1  artist  row 0  row 2
    3     1  artist  row 1  row 3
    """

    def __init__(self, message, leaks=None):
        super().__init__(message)
        self.leaks = leaks

    def __reduce__(self):
        return type(self), (str(self), self.leaks)


def check_leakage(
    X, y, splits, groups=None, *, songs=None, sr=22050, n_jobs=None, timeout=120.0, verbose=0
):
    """Raise an error if a split has the same music, or the same artist, on both sides.

    Scores from a split with songs of one artist on both sides measure how well a model knows voices
    and studios, not genres [1]_. Excerpts of one song on both sides are worse.

    Parameters
    ----------
    X : sequence of paths, array-like of shape (n_songs, ...) or DataFrame with a column ``path``
        The songs. Files and waveforms are compared by path, by a hash of their samples, and by
        audio fingerprints, which find the same recording in another encoding, level or cut. Other
        rows, such as features, are compared by a hash.
    y : array-like of shape (n_songs,)
        The genre of each song, for splitters that need it.
    splits : splitter, int or iterable of (train, test)
        The split to check: anything that scikit-learn takes as ``cv``.
    groups : array-like of shape (n_songs,), default=None
        The artist of each song.
    songs : array-like of shape (n_songs,), default=None
        The song that each row was cut from, if rows are segments.
    sr : int, default=22050
        Sample rate of waveforms, in Hz.
    n_jobs : int, default=None
        Number of files to decode in parallel. ``None`` means 1 and ``-1`` means all cores.
    timeout : float, default=120.0
        Longest time to spend on decoding one file, in seconds.
    verbose : int, default=0
        If above 0, show a progress bar.

    Raises
    ------
    LeakageError
        If a split is not clean. The message names some of the songs, and the ``leaks`` of the
        error lists them all.
    ValueError
        If a genre is missing.

    Warns
    -----
    UserWarning
        If ``groups`` is not given, so an artist on both sides cannot be noticed.

    See Also
    --------
    skgenre.audio.find_faults : Finds the duplicates within a collection, and other faults.
    artist_groups : Makes ``groups`` from the names of artists.

    References
    ----------
    .. [1] A. Flexer, "A closer look on artist filters for musical genre classification", ISMIR
       2007.

    Examples
    --------
    >>> from sklearn.model_selection import KFold, StratifiedGroupKFold
    >>> from skgenre.datasets import make_genre_clips
    >>> from skgenre.model_selection import check_leakage
    >>> X, y, artists = make_genre_clips(
    ...     8, n_genres=2, duration=2.0, n_artists_per_genre=2, random_state=0, return_groups=True
    ... )
    >>> check_leakage(X, y, StratifiedGroupKFold(2), artists)
    >>> check_leakage(X, y, KFold(2, shuffle=True, random_state=0), artists)
    Traceback (most recent call last):
        ...
    skgenre.model_selection._leakage.LeakageError: fold 0 has the same group on both sides: ...
    """
    check_consistent_length(X, y, groups, songs)
    y = check_genres(y)
    if groups is None:
        warnings.warn(
            "groups is not given, so an artist on both sides of the split is not noticed; pass the "
            "artists, for example from artist_groups",
            stacklevel=2,
        )
    names = row_names(X)
    labels = label_rows(X, groups, songs, sr=sr, n_jobs=n_jobs, timeout=timeout, verbose=verbose)
    leaks = pd.concat(
        [
            find_leaks(train, test, labels, names, fold)
            for fold, (train, test) in enumerate(make_folds(splits, X, y, groups))
        ]
    )
    if len(leaks):
        raise LeakageError(describe(leaks), leaks.reset_index(drop=True))


def describe(leaks):
    """Return a sentence that names some of the leaks."""
    leaks = leaks[leaks["fold"] == leaks["fold"].iloc[0]]
    worst = max(leaks["kind"], key=KINDS.index)
    leaks = leaks[leaks["kind"] == worst]
    named = [
        f"{printable(leak.train)} (train) and {printable(leak.test)} (test)"
        for leak in leaks.head(_N_NAMED).itertuples(index=False)
    ]
    rest = f", and {len(leaks) - _N_NAMED} more" if len(leaks) > _N_NAMED else ""
    return (
        f"fold {leaks['fold'].iloc[0]} has the same {_SAME[worst]} on both sides: "
        f"{', '.join(named)}{rest}. Leave such songs out, or put them in one group and split by it"
    )


def find_leaks(train, test, labels, names, fold=0):
    """Return the leaks of one fold, as the attribute of `LeakageError`."""
    rows = []
    for kind, of_rows in labels.items():
        trained, first = np.unique(of_rows[train], return_index=True)
        tested, first_tested = np.unique(of_rows[test], return_index=True)
        _, left, right = np.intersect1d(trained, tested, assume_unique=True, return_indices=True)
        rows += [
            (fold, kind, names[train[first[a]]], names[test[first_tested[b]]])
            for a, b in zip(left, right, strict=True)
        ]
    return make_table(rows, ["fold", "kind", "train", "test"])


def label_rows(X, groups, songs=None, *, sr=22050, n_jobs=None, timeout=120.0, verbose=0):
    """Return what may not be on both sides: by kind, a label for each row."""
    clips = select_clips(X)
    copies = find_copies(clips, sr=sr, n_jobs=n_jobs, timeout=timeout, verbose=verbose)
    labels = {"replica": copies}
    if all(isinstance(clip, str | os.PathLike) for clip in clips):
        labels["file"] = np.array([os.path.realpath(clip) for clip in clips])
    if groups is not None:
        labels["artist"] = check_groups(groups)
    if songs is not None:
        labels["segments"] = np.asarray(songs)
    return labels


def row_names(X):
    """Return what to call each row: its path, or its number."""
    return [
        os.fsdecode(clip) if isinstance(clip, str | os.PathLike) else f"row {i}"
        for i, clip in enumerate(select_clips(X))
    ]
