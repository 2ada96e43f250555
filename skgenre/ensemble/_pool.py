import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_array
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

LEAST_PROBABILITY = 1e-3
# With few songs the weights of least loss are noise. On GTZAN with artists apart, 10 to 100 were
# most accurate, with a quarter as with all of 323 songs.
_SHRINKAGE = 30


def lay_side_by_side(answers):
    """Return the probabilities of several classifiers as the columns that a pool takes.

    Of two classes it takes the second alone.
    """
    return np.hstack([proba[:, 1:] if proba.shape[1] == 2 else proba for proba in answers])


class LogarithmicPool(ClassifierMixin, BaseEstimator):
    """Learn one weight for each of several classifiers from their probabilities side by side.

    The product of the probabilities, each to the power of its classifier's weight, rescaled to sum
    1. The weights, none negative, have the least log-loss. While songs are few they stay near those
    that leave all to the classifier which is best alone, so that weaker ones do no harm.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes.
    weights_ : ndarray of shape (n_classifiers,)
        How far each classifier is trusted; 0 leaves it out.
    """

    # whoever pools passes on the weights of songs that it was given
    __metadata_request__fit = {"sample_weight": True}

    def fit(self, X, y, sample_weight=None, is_met=None):
        """Learn the weights.

        Parameters
        ----------
        X : ndarray of shape (n_songs, n_classifiers * n_classes)
            Probabilities of all classes by each classifier; of the second alone if there are two.
        y : array-like of shape (n_songs,)
            The class of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song.
        is_met : ndarray of bool of shape (n_songs,), default=None
            Which songs are of genres that those who answered for them had met. What the others are
            said to be tells nothing of who is right, and is not learnt from.

        Returns
        -------
        self : object
            The fitted pool.
        """
        self.classes_, codes = np.unique(y, return_inverse=True)
        logs = self._take_logs(X)
        song_weights = _check_sample_weight(sample_weight, X)
        if is_met is not None:
            song_weights = song_weights * is_met
        truth = np.eye(len(self.classes_), dtype=bool)[codes]

        def loss(weights):
            answers = log_softmax(np.tensordot(weights, logs, axes=1), axis=1)
            surplus = (np.exp(answers) - truth) * song_weights[:, np.newaxis]
            apart = weights - start
            value = _SHRINKAGE / 2 * apart @ apart - song_weights @ answers[truth]
            return value, np.tensordot(logs, surplus, axes=2) + _SHRINKAGE * apart

        n_models = len(logs)
        losses = -(log_softmax(logs, axis=2)[:, truth] @ song_weights)
        start = np.eye(n_models)[losses.argmin()]
        if not song_weights.any():
            start = np.full(n_models, 1 / n_models)
        weights = minimize(loss, start, jac=True, bounds=[(0, None)] * n_models).x
        if not np.isfinite(weights).all():
            raise ValueError("sample_weight is too large to learn the weights of a pool with")
        self.weights_ = weights
        return self

    def predict_proba(self, X):
        """Return the pooled probabilities of shape (n_songs, n_classes)."""
        check_is_fitted(self)
        return np.exp(log_softmax(np.tensordot(self.weights_, self._take_logs(X), axes=1), axis=1))

    def predict(self, X):
        """Return the likeliest class of each song."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def _take_logs(self, X):
        """Return the logarithms of shape (n_classifiers, n_songs, n_classes)."""
        X = check_array(X, dtype=np.float64)
        n_classes = len(self.classes_)
        by_model = (
            np.stack([1 - X, X], axis=2) if n_classes == 2 else X.reshape(len(X), -1, n_classes)
        )
        return np.log(by_model + LEAST_PROBABILITY).transpose(1, 0, 2)
