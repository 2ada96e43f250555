import numpy as np
from sklearn.metrics import accuracy_score, f1_score, log_loss

from .._tables import make_labels

N_BINS = 15
SCORES = ("accuracy", "macro_f1", "log_loss", "calibration_error", "top3_accuracy")


def score_answers(true, predicted, proba, genres):
    """Return the scores of one fold by name.

    Parameters
    ----------
    true, predicted : ndarray of shape (n_songs,)
        The genre of each song, and what the classifier says.
    proba : ndarray of shape (n_songs, n_genres) or None
        The probability of each of ``genres``, if the classifier gives any.
    genres : list
        All genres.
    """
    scores = {
        "accuracy": accuracy_score(true, predicted),
        "macro_f1": f1_score(true, predicted, average="macro", zero_division=0),
    }
    if proba is None:
        return scores
    codes = make_labels(genres).get_indexer(make_labels(true))
    return {
        **scores,
        "log_loss": log_loss(codes, _clip(proba), labels=np.arange(len(genres))),
        "calibration_error": calibration_error(proba, codes),
        "top3_accuracy": _top_accuracy(proba, codes, 3),
    }


def _top_accuracy(proba, true, k):
    """Return how often the true genre is among the k most probable, tied ones by lot."""
    of_true = proba[np.arange(len(true)), true][:, np.newaxis]
    n_above, n_tied = (proba > of_true).sum(axis=1), (proba == of_true).sum(axis=1)
    return np.mean(np.clip((k - n_above) / n_tied, 0, 1))


def _clip(proba):
    """Leave no song certain, so that one mistake does not make the log-loss infinite."""
    proba = np.clip(proba, np.finfo(np.float32).eps, None)
    return proba / proba.sum(axis=1, keepdims=True)


def calibration_error(proba, true):
    """Return how far confidence lies from accuracy, on average over bins of confidence.

    Parameters
    ----------
    proba : ndarray of shape (n_songs, n_genres)
        Probabilities.
    true : ndarray of shape (n_songs,), dtype int
        The column of the true genre.

    References
    ----------
    C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural networks", ICML
    2017.
    """
    n_songs, confidence, accuracy = bin_confidence(proba, true)
    gaps = np.abs(np.nan_to_num(accuracy - confidence))
    return np.average(gaps, weights=n_songs)


def bin_confidence(proba, true, n_bins=N_BINS):
    """Bin songs by the probability of the genre that was predicted.

    Parameters
    ----------
    proba, true : ndarray
        As `calibration_error` takes them.
    n_bins : int, default=15
        Number of bins of equal width between 0 and 1.

    Returns
    -------
    n_songs : ndarray of shape (n_bins,), dtype int
        Number of songs in each bin.
    confidence, accuracy : ndarray of shape (n_bins,)
        Mean probability and share of right predictions in each bin; NaN in one without songs.
    """
    confidence = proba.max(axis=1)
    is_right = proba.argmax(axis=1) == true
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    n_songs = np.bincount(bins, minlength=n_bins)
    size = np.where(n_songs > 0, n_songs, np.nan)
    sums = (np.bincount(bins, values, minlength=n_bins) for values in (confidence, is_right))
    return n_songs, *(total / size for total in sums)
