"""How often the answers are right that are the surest, and how many these are."""

from typing import NamedTuple

import numpy as np

# Confidences that differ by less are the same: the last bits depend on the batch.
_N_DECIMALS = 9


class PrecisionCurve(NamedTuple):
    """What comes of answering songs from some confidence on, for each confidence that there is.

    All are arrays of shape (n_thresholds,), in the order of coverage.
    """

    thresholds: np.ndarray
    """The confidence from which songs are answered, which is that of one of them."""
    coverages: np.ndarray
    """Share of the songs that are answered."""
    precisions: np.ndarray
    """Share of the answers that are right."""
    n_answers: np.ndarray
    """How many songs are answered, each as many as it weighs."""


def trace_precision(confidence, is_right, sample_weight=None):
    """Return the `PrecisionCurve` of songs.

    Parameters
    ----------
    confidence : ndarray of shape (n_songs,)
        How sure the answer for each song is.
    is_right : ndarray of bool of shape (n_songs,)
        Whether it is right.
    sample_weight : ndarray of shape (n_songs,), default=None
        Weight of each song; those of none are left out.

    Returns
    -------
    curve : PrecisionCurve
    """
    weights = np.ones(len(confidence)) if sample_weight is None else sample_weight
    levels, of_level = np.unique(
        -np.round(confidence[weights > 0], _N_DECIMALS), return_inverse=True
    )
    n_answers = np.cumsum(np.bincount(of_level, weights[weights > 0]))
    n_right = np.cumsum(np.bincount(of_level, (weights * is_right)[weights > 0]))
    return PrecisionCurve(
        thresholds=-levels,
        coverages=n_answers / n_answers[-1],
        precisions=n_right / n_answers,
        n_answers=n_answers,
    )


def bound_precisions(curve):
    """Return what precisions are at least, by one standard error.

    The lower limit of Wilson's interval, which does not take a few answers that are all right for
    proof.
    """
    p, n = curve.precisions, curve.n_answers
    return (p + 1 / (2 * n) - np.sqrt(p * (1 - p) / n + 1 / (4 * n**2))) / (1 + 1 / n)


def find_threshold(curve, target):
    """Return the confidence from which most songs are answered with a bound of at least ``target``.

    It lies between the confidence of songs that are answered and that of those that are not; 0 if
    all are answered, infinity if none can be.
    """
    places = np.flatnonzero(bound_precisions(curve) >= target)
    if not len(places):
        return np.inf
    last = places[-1]
    return 0.0 if last == len(curve.thresholds) - 1 else curve.thresholds[last : last + 2].mean()


def look_up(curve, threshold):
    """Return precision and coverage where songs are answered from a confidence on."""
    places = np.flatnonzero(curve.thresholds >= threshold)
    if not len(places):
        return np.nan, 0.0
    return curve.precisions[places[-1]], curve.coverages[places[-1]]
