import json
import os
import platform
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from joblib import delayed
from sklearn.base import clone
from sklearn.utils import _safe_indexing, check_consistent_length

from .._base import installed_versions
from .._division import check_groups
from .._fit_parameters import fit_parameter_name
from .._parallel import run_parallel
from .._progress import track
from ._leakage import KINDS, LeakageError, describe, find_leaks, label_rows, row_names, select_clips
from ._protocols import cut_segments, resolve
from ._scores import SCORES, score_answers

_PACKAGES = ("skgenre", "scikit-learn", "numpy", "librosa", "keras", "tensorflow", "torch")
_COLUMNS = (
    *("estimator", "protocol", "seed", "fold", "is_valid", "leakage", "n_train", "n_test"),
    *SCORES,
    *("fit_seconds", "predict_seconds", "has_unseen_genre", "error", "answers"),
)


def compare_classifiers(
    estimators,
    X,
    y,
    *,
    protocols=("report", "artist"),
    groups=None,
    seeds=(0,),
    n_jobs=None,
    results=None,
    sr=22050,
    verbose=0,
):
    """Judge classifiers by several protocols, and say what leaked in each.

    Parameters
    ----------
    estimators : dict of str to estimator
        The classifiers by name. They are cloned.
    X : sequence of paths, array-like of shape (n_songs, ...) or DataFrame
        The songs.
    y : array-like of shape (n_songs,)
        The genres.
    protocols : sequence of str, or dict of str to str or splitter
        How songs are divided:

        ==================== =====================================================================
        ``"artist"``         5 folds, stratified, no artist in two of them
        ``"filtered"``       GTZAN's fault-filtered split, train list to valid list
        ``"stratified"``     10 folds, stratified
        ``"report"``         80 % of each genre to train on and 20 % to test on, at random
        ``"leaky-segments"`` like the report's, but with songs cut in ten before they are divided:
                             invalid, for comparison only
        ==================== =====================================================================

        The first two are errors if they are not clean. A dict may name splitters of your own.
    groups : array-like of shape (n_songs,), default=None
        The artists. Classifiers whose ``fit`` takes ``groups`` get them, too, also as the last step
        of a `Pipeline`.
    seeds : sequence of int, default=(0,)
        Each divides the songs in another way and is every ``random_state`` of the classifiers.
    n_jobs : int, default=None
        How many folds are computed at a time, in processes; ``None`` is 1 and -1 all cores.
    results : path, default=None
        A folder to keep each fold's results in. A comparison that was stopped goes on from there:
        what has the same classifier, songs, division and versions is not computed again.
    sr : int, default=22050
        Sample rate of waveforms, in Hz, for the comparison of recordings.
    verbose : int, default=0
        Show a progress bar with the time left.

    Returns
    -------
    results : DataFrame
        A row for each fold, in the order of estimators, protocols and seeds:

        - ``estimator``, ``protocol``, ``seed``, ``fold``
        - ``is_valid``: whether the protocol may be quoted
        - ``leakage``: the worst of what is on both sides, ``"clean"``, ``"artist"``, ``"replica"``,
          ``"file"`` or ``"segments"``; ``"unknown"`` in place of clean without ``groups``
        - ``n_train``, ``n_test``: numbers of songs, or of segments where songs are cut
        - ``accuracy``, ``macro_f1``, ``log_loss``, ``calibration_error`` (over 15 bins of
          confidence), ``top3_accuracy``; the last three are NaN without probabilities
        - ``fit_seconds``, ``predict_seconds``
        - ``has_unseen_genre``: whether a genre is tested that was not trained, which then has the
          probability 0
        - ``error``: what an estimator failed with; its scores are NaN. Else missing
        - ``answers``: a DataFrame for each tested song, by its row in X: ``genre``, ``predicted``,
          ``group``, and the probability of each genre

        What it was computed with is in ``results.attrs["environment"]``, and in the folder.

    Raises
    ------
    LeakageError
        If a protocol that promises a clean division does not keep it.
    ValueError
        If a protocol is unknown, or cannot be had with these songs.

    See Also
    --------
    summarize : Means, intervals and verdicts from the results.
    check_leakage : The same check by itself.

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
    check_consistent_length(X, y, groups)
    groups = check_groups(groups)
    protocols = resolve(protocols)
    environment = _describe_environment()
    folder = None if results is None else _open_folder(results, environment)
    labels = label_rows(X, groups, sr=sr, n_jobs=n_jobs, verbose=verbose)
    songs = _Songs(X, np.asarray(y), groups, np.arange(len(y)), labels, row_names(X))
    key = joblib.hash(
        [environment["versions"], songs.y, groups, [_identify(clip) for clip in select_clips(X)]]
    )
    with ExitStack() as stack:
        of_segments = None
        tasks = []
        for name, protocol in protocols.items():
            if protocol.cuts_segments and of_segments is None:
                of_segments = songs.cut(*stack.enter_context(cut_segments(X)))
            divided = of_segments if protocol.cuts_segments else songs
            tasks += _divide(name, protocol, divided, seeds)
        calls = (
            delayed(_run)(name, estimator, *task, np.unique(y).tolist(), folder, key)
            for name, estimator in estimators.items()
            for task in tasks
        )
        rows = list(
            track(
                run_parallel(calls, n_jobs=n_jobs),
                total=len(estimators) * len(tasks),
                description="compare_classifiers",
                unit="folds",
                verbose=verbose,
            )
        )
    table = pd.DataFrame(rows, columns=_COLUMNS)
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
    labels : dict
        As from `label_rows`.
    names : list of str
        What to call each in a message.
    """

    X: Any
    y: np.ndarray
    groups: Any
    rows: np.ndarray
    labels: dict
    names: list

    def cut(self, segments, rows):
        groups = None if self.groups is None else self.groups[rows]
        names = [self.names[row] for row in rows]
        return _Songs(segments, self.y[rows], groups, rows, {"segments": rows}, names)


def _divide(name, protocol, songs, seeds):
    """Yield (columns of the result, songs, train, test) for each seed and fold of a protocol."""
    for seed in seeds:
        folds = protocol.split(songs.X, songs.y, songs.groups, seed)
        for fold, (train, test) in enumerate(folds):
            leaks = find_leaks(train, test, songs.labels, songs.names, fold)
            if protocol.promises_clean and len(leaks):
                raise LeakageError(f"{name}: {describe(leaks)}", leaks)
            cleanest = "unknown" if songs.groups is None else "clean"
            leakage = max(leaks["kind"], key=KINDS.index, default=cleanest)
            about = {
                "protocol": name,
                "seed": seed,
                "fold": fold,
                "is_valid": not protocol.cuts_segments,
                "leakage": leakage,
            }
            yield about, songs, train, test


def _run(name, estimator, about, songs, train, test, genres, folder, songs_key):
    """Return the row of one classifier and fold, computed or from the folder."""
    file = None
    if folder is not None:
        file = folder / f"{joblib.hash([estimator, songs_key, about, train, test])}.joblib"
        if file.exists():
            return {**joblib.load(file), "estimator": name}
    row = {
        "estimator": name,
        **about,
        "n_train": len(train),
        "n_test": len(test),
        "has_unseen_genre": bool(set(songs.y[test]) - set(songs.y[train])),
        "error": None,
    }
    try:
        row.update(_fit_and_ask(estimator, about["seed"], songs, train, test, genres))
    except Exception as error:  # whatever it is, the other rows are worth having
        return {**row, "error": f"{type(error).__name__}: {error}"}
    if file is not None:
        aside = file.with_suffix(f".{os.getpid()}")
        joblib.dump(row, aside)
        aside.replace(file)
    return row


def _fit_and_ask(estimator, seed, songs, train, test, genres):
    clf = clone(estimator)
    clf.set_params(
        **{name: seed for name in clf.get_params() if name.split("__")[-1] == "random_state"}
    )
    groups = songs.rows if songs.groups is None else songs.groups
    group_param = None if songs.groups is None else fit_parameter_name(clf, "groups")
    fit_params = {group_param: groups[train]} if group_param else {}
    X_test = _safe_indexing(songs.X, test)
    start = time.perf_counter()
    clf.fit(_safe_indexing(songs.X, train), songs.y[train], **fit_params)
    fitted = time.perf_counter()
    predicted = clf.predict(X_test)
    seconds = {"fit_seconds": fitted - start, "predict_seconds": time.perf_counter() - fitted}
    answers = pd.DataFrame(
        {"genre": songs.y[test], "predicted": predicted, "group": groups[test]},
        index=pd.Index(songs.rows[test], name="song"),
    )
    if hasattr(clf, "predict_proba"):
        proba = pd.DataFrame(clf.predict_proba(X_test), answers.index, clf.classes_)
        answers = answers.join(proba.reindex(columns=genres, fill_value=0.0))
    return {**score_answers(answers, genres), **seconds, "answers": answers}


def _identify(clip):
    """Return what tells a clip from others: a file's path, size and time, or the numbers."""
    if not isinstance(clip, str | os.PathLike):
        return joblib.hash(clip)
    try:
        file = os.stat(clip)
    except OSError:
        return os.path.abspath(clip)
    return os.path.abspath(clip), file.st_size, file.st_mtime_ns


def _describe_environment():
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "processors": os.cpu_count(),
        "versions": installed_versions(_PACKAGES),
    }


def _open_folder(path, environment):
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "environment.json").write_text(json.dumps(environment, indent=2) + "\n")
    return folder
