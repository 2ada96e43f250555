import os
import platform
import time
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import _safe_indexing, check_consistent_length, check_scalar

from .._bags import divisible
from .._base import installed_versions
from .._fit_parameters import fit_parameter_name
from .._genres import check_genres, check_groups
from .._names import printable
from .._parallel import run_parallel
from .._progress import track
from .._tables import make_labels, make_table
from ._keep import Keep, load_row, store_row
from ._leakage import KINDS, LeakageError, describe, find_leaks, label_rows, row_names
from ._protocols import cut_segments, resolve
from ._scores import SCORES, score_answers

_PACKAGES = (
    *("skgenre", "scikit-learn", "numpy", "scipy", "librosa", "keras", "tensorflow", "torch"),
    *("transformers", "featurewiz", "xgboost", "lightgbm"),
)
_ANSWERS = ("genre", "predicted", "group")
_COLUMNS = (
    *("estimator", "protocol", "seed", "fold", "is_valid", "leakage", "n_train", "n_test"),
    *SCORES,
    *("fit_seconds", "predict_seconds", "has_unseen_genre", "error", "answers", "history"),
)


def compare_classifiers(
    estimators,
    X,
    y,
    *,
    protocols=("report", "artist"),
    groups=None,
    seeds=(0,),
    max_folds=None,
    n_jobs=None,
    results=None,
    sr=22050,
    verbose=0,
):
    """Evaluate classifiers under several evaluation protocols, and report what leaks in each.

    Parameters
    ----------
    estimators : dict of str to estimator
        The classifiers by name. They are cloned.
    X : sequence of paths, array-like of shape (n_songs, ...) or DataFrame
        The songs.
    y : array-like of shape (n_songs,)
        The genre of each song.
    protocols : sequence of str, or dict of str to str or splitter
        How songs are divided into training and test songs:

        - ``"artist"``: 5 stratified folds, with each artist in one fold only.
        - ``"filtered"``: GTZAN's fault-filtered split, from the train list to the valid list.
        - ``"stratified"``: 10 stratified folds.
        - ``"report"``: a random 80 % of each genre for training and 20 % for testing.
        - ``"leaky-segments"``: like ``"report"``, but songs are cut into ten segments first. Its
          scores are invalid; use it only to see how much leakage inflates them.

        With ``"artist"`` and ``"filtered"``, leakage raises an error. A dict may also name
        splitters of your own, or anything else that scikit-learn takes as ``cv``.
    groups : array-like of shape (n_songs,), default=None
        The artist of each song. Classifiers whose ``fit`` takes ``groups`` receive them, too, as do
        searches for their inner folds, also as the last step of a `Pipeline`.
    seeds : sequence of int, default=(0,)
        Everything is repeated for each seed. It sets every ``random_state`` of the classifiers and
        of the splitter.
    max_folds : int, default=None
        Evaluate only the first folds of each protocol and seed, up to this number. ``None``
        evaluates all.
    n_jobs : int, default=None
        Number of folds to evaluate in parallel, in processes. ``None`` means 1 and ``-1`` means all
        cores.
    results : path, default=None
        Folder to store the result of each fold in, as JSON. If you stop a comparison and start it
        again, stored folds with the same classifier, songs, split and versions are not computed
        again. Code of your own is recognised by its name only: empty the folder when you change it.
        A new folder can be read by you alone.
    sr : int, default=22050
        Sample rate of waveforms, in Hz, used to compare recordings.
    verbose : int, default=0
        If above 0, show a progress bar with the remaining time.

    Returns
    -------
    results : DataFrame
        One row per fold, in the order of estimators, protocols and seeds, with these columns:

        - ``estimator``, ``protocol``, ``seed``, ``fold``: what was evaluated.
        - ``is_valid``: whether you may quote scores of this protocol.
        - ``leakage``: the worst leak: ``"clean"``, ``"artist"``, ``"replica"``, ``"file"`` or
          ``"segments"``; without ``groups``, ``"unknown"`` instead of ``"clean"``.
        - ``n_train``, ``n_test``: number of songs, or of segments if songs are cut.
        - ``accuracy``, ``macro_f1`` (over genres that are tested or predicted), ``log_loss``,
          ``calibration_error`` (over 15 bins of confidence), ``top3_accuracy``: the scores. The
          last three are NaN for a classifier without probabilities.
        - ``fit_seconds``, ``predict_seconds``: the times, in seconds.
        - ``has_unseen_genre``: whether a genre of the test songs was missing in training. Its
          probability is then 0.
        - ``error``: the error message if the estimator failed, else missing.
        - ``answers``: a DataFrame with ``genre``, ``predicted``, ``group`` and the probability of
          each genre, for each tested row of X.
        - ``history``: the ``history_`` of a network, else missing.

        ``results.attrs["environment"]``, and the folder, record versions and hardware.

    Raises
    ------
    LeakageError
        If a split that must be clean is not.
    ValueError
        If a genre is missing, a protocol is unknown or cannot divide these songs, or a genre has
        the name of a column of ``answers``.

    Warns
    -----
    UserWarning
        If files cannot be stored in ``results``.

    See Also
    --------
    summarize : Means, intervals and verdicts from the results.
    check_leakage : Checks a single split.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import MFCCSegmenter, SegmentSummarizer
    >>> from skgenre.datasets import make_genre_clips
    >>> from skgenre.model_selection import compare_classifiers
    >>> X, y, artists = make_genre_clips(
    ...     20, n_genres=2, duration=2.0, n_artists_per_genre=5, random_state=0, return_groups=True
    ... )
    >>> linear = make_pipeline(
    ...     MFCCSegmenter(n_segments=1, duration=2.0), SegmentSummarizer(), LogisticRegression()
    ... )
    >>> results = compare_classifiers({"linear": linear}, X, y, groups=artists)
    >>> results.groupby("protocol", sort=False)["leakage"].first().to_dict()
    {'report': 'artist', 'artist': 'clean'}
    """
    X = divisible(X)
    check_consistent_length(X, y, groups)
    if max_folds is not None:
        check_scalar(max_folds, "max_folds", Integral, min_val=1)
    y, groups, protocols = check_genres(y), check_groups(groups), resolve(protocols)
    genres = np.unique(y).tolist()
    taken = sorted(set(genres) & set(_ANSWERS))
    if taken:
        raise ValueError(f"Genres cannot be named {taken}, like columns of the answers")
    environment = _describe_environment()
    keep = Keep(results, environment, X, y, groups)
    songs = _Songs(X, y, groups, np.arange(len(y)), row_names(X))
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # loky's, when it replaces a worker that has grown, as each trained net makes it grow
        warnings.filterwarnings("ignore", "A worker stopped while", UserWarning)
        cuts = [protocol.cuts_segments for protocol in protocols.values()]
        of_segments = songs.cut(*stack.enter_context(cut_segments(X, sr))) if any(cuts) else songs
        divided = [
            (name, protocol, seed, of_segments if protocol.cuts_segments else songs)
            for name, protocol in protocols.items()
            for seed in map(int, seeds)
        ]
        folds = [_split(*how)[:max_folds] for how in divided]
        # segments are known by their songs, so that nobody need compare recordings
        labels = {} if all(cuts) else label_rows(X, groups, sr=sr, n_jobs=n_jobs, verbose=verbose)
        tasks = [
            task
            for how, of_seed in zip(divided, folds, strict=True)
            for task in _look_for_leaks(*how, of_seed, labels)
        ]
        calls = (
            delayed(_run)(name, estimator, *task, genres, keep.find_file(name, estimator, task))
            for name, estimator in estimators.items()
            for task in tasks
        )
        computed = list(
            track(
                run_parallel(calls, n_jobs=n_jobs),
                total=len(estimators) * len(tasks),
                description="compare_classifiers",
                unit="folds",
                verbose=verbose,
            )
        )
    troubles = keep.troubles + [trouble for _, trouble in computed if trouble is not None]
    if troubles:
        warnings.warn(
            f"results={results!r} cannot store {len(troubles)} of {1 + len(computed)} files: "
            f"{troubles[0]}",
            stacklevel=2,
        )
    table = make_table([row for row, _ in computed], _COLUMNS)
    table.attrs["environment"] = environment
    return table


@dataclass
class _Songs:
    """What is divided: songs, or segments of songs.

    Attributes
    ----------
    X, y, groups : sequence
        As `compare_classifiers` takes them.
    rows : ndarray of int
        The row of X that each is from.
    names : list of str
        What to call each in a message.
    """

    X: Any
    y: np.ndarray
    groups: Any
    rows: np.ndarray
    names: list

    def cut(self, segments, rows):
        groups = None if self.groups is None else self.groups[rows]
        return _Songs(segments, self.y[rows], groups, rows, [self.names[row] for row in rows])


def _split(name, protocol, seed, songs):
    """Return a list of (train, test)."""
    try:
        return protocol.split(songs.X, songs.y, songs.groups, seed)
    except ValueError as error:
        raise ValueError(f"Songs cannot be divided by the protocol {name!r}: {error}") from error


def _look_for_leaks(name, protocol, seed, songs, folds, labels):
    """Yield (columns of the result, songs, train, test) for each fold of a protocol and seed."""
    if protocol.cuts_segments:
        labels = {"segments": songs.rows}
    for fold, (train, test) in enumerate(folds):
        leaks = find_leaks(train, test, labels, songs.names, fold)
        if protocol.promises_clean and len(leaks):
            raise LeakageError(f"{printable(name)}: {describe(leaks)}", leaks)
        cleanest = "unknown" if songs.groups is None else "clean"
        about = {
            "protocol": name,
            "seed": seed,
            "fold": fold,
            "is_valid": not protocol.cuts_segments,
            "leakage": max(leaks["kind"], key=KINDS.index, default=cleanest),
        }
        yield about, songs, train, test


def _run(name, estimator, about, songs, train, test, genres, file):
    """Return the row of one classifier and fold, and why it cannot be kept, or None."""
    kept = load_row(file)
    if kept is not None:
        return {**kept, **about, "estimator": name}, None
    row = {
        "estimator": name,
        **about,
        "n_train": len(train),
        "n_test": len(test),
        "has_unseen_genre": bool(set(songs.y[test]) - set(songs.y[train])),
        "error": None,
        "history": None,
    }
    try:
        row.update(_fit_and_ask(estimator, about["seed"], songs, train, test, genres))
    except Exception as error:  # whatever it is, the other rows are worth having
        return {**row, "error": f"{type(error).__name__}: {error}"}, None
    return row, store_row(file, row)


def _fit_and_ask(estimator, seed, songs, train, test, genres):
    clf = clone(estimator)
    clf.set_params(
        **{name: seed for name in clf.get_params() if name.split("__")[-1] == "random_state"}
    )
    group_param = None if songs.groups is None else _groups_param(clf)
    fit_params = {group_param: songs.groups[train]} if group_param else {}
    X_test = _safe_indexing(songs.X, test)
    start = time.perf_counter()
    with warnings.catch_warnings():
        # by the inner folds of a search, which is told the groups in case they are by group
        warnings.filterwarnings("ignore", "The groups parameter is ignored", UserWarning)
        clf.fit(_safe_indexing(songs.X, train), songs.y[train], **fit_params)
    fitted = time.perf_counter()
    predicted = clf.predict(X_test)
    seconds = {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
    groups = songs.rows if songs.groups is None else songs.groups
    columns = [np.asarray(column).tolist() for column in (songs.y[test], predicted, groups[test])]
    answers = make_table(list(zip(*columns, strict=True)), _ANSWERS).set_index(
        pd.Index(songs.rows[test], name="song")
    )
    proba = None
    if hasattr(clf, "predict_proba"):
        given = pd.DataFrame(clf.predict_proba(X_test), answers.index, make_labels(clf.classes_))
        given = given.reindex(columns=make_labels(genres), fill_value=0.0)
        proba = given.to_numpy(dtype=float)
        answers = pd.concat([answers, pd.DataFrame(proba, answers.index)], axis=1)
        answers.columns = make_labels([*_ANSWERS, *genres])
    scores = score_answers(songs.y[test], predicted, proba, genres)
    history = getattr(_last_step(clf), "history_", None)
    return {**scores, **seconds, "answers": answers, "history": history}


def _last_step(clf):
    return clf[-1] if isinstance(clf, Pipeline) else clf


def _groups_param(clf):
    if isinstance(_last_step(clf), GridSearchCV | RandomizedSearchCV):
        return f"{clf.steps[-1][0]}__groups" if isinstance(clf, Pipeline) else "groups"
    return fit_parameter_name(clf, "groups")


def _describe_environment():
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "versions": installed_versions(_PACKAGES),
    }
