import numpy as np
import pandas as pd
from scipy.stats import bootstrap, permutation_test

from .._tables import divide, make_labels, make_table, number
from ._leakage import KINDS

_MEANS = ("macro_f1", "log_loss", "calibration_error", "top3_accuracy")
_N_DRAWN_AT_ONCE = 10_000_000
_LEAKAGES = ("clean", "unknown", *KINDS)


def summarize(
    results,
    *,
    reference=None,
    confidence_level=0.95,
    max_accuracy=None,
    n_resamples=9999,
    random_state=0,
):
    """Summarise a comparison: mean scores, intervals, and which differences are significant.

    Parameters
    ----------
    results : DataFrame
        What `compare_classifiers` returned, or several such tables of the same songs, concatenated.
    reference : str, default=None
        The classifier that all others are compared with. ``None`` compares with the most accurate
        one of each protocol; so does a reference that failed or is missing there.
    confidence_level : float, default=0.95
        Level of all intervals. A difference counts if its corrected p-value is below 1 minus this.
    max_accuracy : float, default=None
        What a perfect classifier could reach despite wrong labels: 0.945 for GTZAN [1]_, available
        as ``max_accuracy`` from `load_gtzan`.
    n_resamples : int, default=9999
        Number of bootstrap resamples and of permutations.
    random_state : int, default=0
        Seed for both. The same seed gives the same intervals.

    Returns
    -------
    summary : DataFrame
        One row per protocol and classifier, the most accurate first, with these columns:

        - ``protocol``, ``estimator``, ``is_valid``, ``leakage`` (the worst of all folds).
        - ``n_songs``, ``n_groups``: how many songs and artists were tested.
        - ``accuracy``: how often each song was right, averaged over songs, with its interval from
          ``low`` to ``high``.
        - ``spread``: standard deviation of the accuracy over seeds; NaN for a single seed.
        - ``macro_f1``, ``log_loss``, ``calibration_error``, ``top3_accuracy``, ``fit_seconds``,
          ``predict_seconds``: means over folds.
        - ``difference``: accuracy less that of the reference, with its interval from
          ``difference_low`` to ``difference_high``.
        - ``p_value``: of the difference, corrected for the number of classifiers.
        - ``verdict``: ``"reference"``, ``"better"``, ``"worse"``, or ``"tie"`` if the difference
          may be chance; ``"failed"`` without any score; ``"invalid"`` for everything else under a
          protocol that you may not quote.
        - ``is_suspicious``: whether the accuracy is above ``max_accuracy``.
        - ``n_failed``: number of folds that ended in an error.

    Raises
    ------
    ValueError
        If ``reference`` is not one of the classifiers.

    See Also
    --------
    compare_classifiers : Makes the results.
    skgenre.inspection.ComparisonDisplay : Draws the summary.

    Notes
    -----
    Songs of one artist tend to be right or wrong together. Bootstrap [2]_ and permutations
    therefore resample artists, or songs if artists are unknown. The test flips the sign of each
    artist's difference, and its p-values are corrected by Holm's method [3]_. The intervals cover
    the choice of test songs, not the choice of training songs.

    References
    ----------
    .. [1] B. L. Sturm, "The GTZAN dataset: its contents, its faults, their effects on evaluation,
       and its future use", arXiv:1306.1461, 2013.
    .. [2] B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7(1),
       1979.
    .. [3] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
       of Statistics 6(2), 1979.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.datasets import make_classification
    >>> from skgenre.model_selection import compare_classifiers, summarize
    >>> X, y = make_classification(200, random_state=0)
    >>> results = compare_classifiers(
    ...     {"linear": LogisticRegression(), "dummy": DummyClassifier()}, X, y, protocols=["report"]
    ... )
    >>> summarize(results)[["estimator", "leakage", "accuracy", "verdict"]]
      estimator  leakage  accuracy    verdict
    0    linear  unknown     0.925  reference
    1     dummy  unknown     0.500      worse
    """
    if reference is not None and reference not in set(results["estimator"]):
        raise ValueError(f"There is no classifier {reference!r}")
    settings = {
        "confidence_level": confidence_level,
        "n_resamples": n_resamples,
        "random_state": random_state,
    }
    parts = [
        _summarize_protocol(of_protocol, reference, settings)
        for _, of_protocol in divide(results, "protocol")
    ]
    summary = pd.concat(parts, ignore_index=True)
    limit = np.inf if max_accuracy is None else max_accuracy
    summary.insert(len(summary.columns) - 1, "is_suspicious", summary["accuracy"] > limit)
    return summary


def _summarize_protocol(results, reference, settings):
    songs = {name: _songs_of(of_estimator) for name, of_estimator in divide(results, "estimator")}
    rows = [
        {**_describe(of_estimator), **_interval(songs[name], settings)}
        for name, of_estimator in divide(results, "estimator")
    ]
    table = make_table(rows).sort_values("accuracy", ascending=False, ignore_index=True)
    if reference not in songs or songs[reference].empty:
        reference = table["estimator"][0]
    others = [name for name in table["estimator"] if name != reference and not songs[name].empty]
    differences = pd.DataFrame(
        [_compare(songs[name], songs[reference], settings) for name in others],
        index=make_labels(others),
        columns=["difference", "difference_low", "difference_high", "p_value"],
        dtype=float,
    )
    differences["p_value"] = _holm(differences["p_value"].to_numpy())
    table = table.join(differences, on="estimator")
    table["verdict"] = np.select(
        [
            table["accuracy"].isna(),
            ~table["is_valid"],
            table["estimator"] == reference,
            ~(table["p_value"] <= 1 - settings["confidence_level"]),
            table["difference"] > 0,
        ],
        ["failed", "invalid", "reference", "tie", "better"],
        "worse",
    )
    table["n_failed"] = table.pop("n_failed")
    return table


def _songs_of(results):
    """Return how often each song was right, and its group by number; repeats become one."""
    answers = [table[["genre", "predicted", "group"]] for table in results["answers"].dropna()]
    if not answers:
        return pd.DataFrame({"is_right": [], "group": []})
    table = pd.concat(answers)
    table["is_right"] = table["genre"] == table["predicted"]
    table["group"] = number(table["group"])
    by_song = table.groupby(level=0)
    return pd.DataFrame({"is_right": by_song["is_right"].mean(), "group": by_song["group"].first()})


def _describe(results):
    worst = max(results["leakage"], key=_LEAKAGES.index)
    of_seeds = results.groupby("seed")["accuracy"].mean()
    return {
        "protocol": results["protocol"].iloc[0],
        "estimator": results["estimator"].iloc[0],
        "is_valid": bool(results["is_valid"].all()),
        "leakage": worst,
        "spread": of_seeds.std(),
        **results[[*_MEANS, "fit_seconds", "predict_seconds"]].mean(),
        "n_failed": int(results["error"].notna().sum()),
    }


def _mean_of_groups(sums, sizes, axis=-1):
    return sums.sum(axis=axis) / sizes.sum(axis=axis)


def _bootstrap(values, groups, settings):
    """Return the interval of a mean over songs, resampling groups; NaN for one group."""
    by_group = values.groupby(groups).agg(["sum", "size"])
    if len(by_group) < 2:
        return np.nan, np.nan
    found = bootstrap(
        (by_group["sum"].to_numpy(), by_group["size"].to_numpy()),
        _mean_of_groups,
        paired=True,
        method="percentile",
        confidence_level=settings["confidence_level"],
        n_resamples=settings["n_resamples"],
        batch=_batch(by_group),
        random_state=settings["random_state"],
    )
    return tuple(found.confidence_interval)


def _batch(groups):
    """Return how many resamples of groups to draw at once."""
    return max(1, _N_DRAWN_AT_ONCE // len(groups))


def _interval(songs, settings):
    low, high = _bootstrap(songs["is_right"], songs["group"], settings)
    return {
        "n_songs": len(songs),
        "n_groups": songs["group"].nunique(),
        "accuracy": songs["is_right"].mean(),
        "low": low,
        "high": high,
    }


def _compare(songs, reference, settings):
    """Return the difference of two classifiers on the songs of both, its interval, and p."""
    gains = (songs["is_right"] - reference["is_right"]).dropna()
    groups = songs["group"][gains.index]
    low, high = _bootstrap(gains, groups, settings)
    if groups.nunique() < 2:
        return gains.mean(), low, high, np.nan
    test = permutation_test(
        (gains.groupby(groups).sum().to_numpy(),),
        np.sum,
        permutation_type="samples",
        n_resamples=settings["n_resamples"],
        batch=_batch(np.unique(groups)),
        random_state=settings["random_state"],
    )
    return gains.mean(), low, high, test.pvalue


def _holm(p_values):
    """Correct p-values for their number, by Holm's method."""
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.maximum.accumulate(np.minimum(p_values[order] * factors, 1.0))
    return corrected
