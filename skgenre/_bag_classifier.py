"""What classifiers of songs that learn from segments have in common."""

import warnings
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    check_is_fitted,
)

from ._bags import (
    aggregate_proba,
    answer_readable,
    by_band,
    check_finite,
    find_readable,
    flatten,
    is_readable,
    take_songs,
    validate_bags,
    validate_genres,
)
from ._base import VersionedEstimator
from ._genres import check_groups
from ._stored import StoredSongs


class BagClassifier(ClassifierMixin, VersionedEstimator):
    """A classifier of songs that learns from their segments.

    Subclasses hold the learner: ``_fit_songs(X, codes, sample_weight, groups)`` gets the readable
    songs with their classes as integers, ``_segment_proba(segments)`` answers for segments.
    """

    _dtype: Any = np.float32
    # Whether songs in a zarr array are read when they are needed, or all at once.
    _reads_stored = False

    def _fit(self, X, y, sample_weight=None, groups=None):
        y, groups = validate_genres(self, y), check_groups(groups)
        X = self._validate_fit(X)
        check_consistent_length(X, y, groups)
        sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if (sample_weight < 0).any():
            raise ValueError("sample_weight must not be negative")
        readable = find_readable(X)
        if not 0 < sample_weight[readable].sum() < np.inf:
            raise ValueError(
                "The sample_weight of the songs that could be read must have a positive, finite "
                f"sum, got {sample_weight[readable].sum():g}"
            )
        lost = sorted(set(y.tolist()) - set(y[readable].tolist()))
        if lost:
            warnings.warn(f"No song of {lost} could be read", stacklevel=3)
        X, y, sample_weight, groups = take_songs(readable, X, y, sample_weight, groups)
        classes, codes = np.unique(y, return_inverse=True)
        input_shape = by_band(X[0]).shape[1:]
        self._check_refit(classes, input_shape)
        self.classes_, self.input_shape_ = classes, input_shape
        prior = np.bincount(codes, weights=sample_weight)
        self.class_prior_ = prior / prior.sum()
        self._fit_songs(X, codes, sample_weight, groups)
        return self

    def _validate_fit(self, X):
        return validate_bags(
            self, X, reset=True, dtype=self._dtype, may_stay_stored=self._reads_stored
        )

    def _check_refit(self, classes, input_shape):
        """Refuse classes or segments that a fit cannot go on with."""

    def predict_segment_proba(self, X):
        """Predict the genre probabilities of each segment of each song.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The songs, in the same form as in `fit`.

        Returns
        -------
        proba : list of ndarray of shape (n_segments, n_classes)
            One array per song. A song that could not be read gets the class prior.

        Raises
        ------
        ValueError
            If segments have another shape than those in `fit`, or a probability is not finite.
        """
        check_is_fitted(self)
        return [
            proba
            for start, songs, readable in self._validate_predict(X)
            for proba in self._answer_segments(start, songs, readable)
        ]

    def _answer_segments(self, start, X, readable):
        answers = [np.tile(self.class_prior_, (len(by_band(song)), 1)) for song in X]
        if readable.any():
            segments, counts = self._flatten_readable(X, readable)
            parts = np.split(self._segment_proba(segments), np.cumsum(counts)[:-1])
            for i, part in zip(np.flatnonzero(readable), parts, strict=True):
                answers[i] = part
        check_finite(self, X, readable, answers, start)
        return answers

    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The songs, in the same form as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The probabilities, in the order of ``classes_``. A song that could not be read gets the
            class prior.

        Raises
        ------
        ValueError
            If segments have another shape than those in `fit`, or a probability is not finite.
        """
        check_is_fitted(self)
        return self._predict_songs(
            X,
            lambda segments, counts: aggregate_proba(
                self._segment_proba(segments), counts, self.aggregate
            ),
            self.class_prior_,
        )

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The songs, in the same form as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres. A song that could not be read gets the most frequent genre.

        Raises
        ------
        ValueError
            If segments have another shape than those in `fit`, or a probability is not finite.
        """
        proba = self.predict_proba(X)
        return self.classes_[proba.argmax(axis=1)]

    def _predict_songs(self, X, answer, unreadable_answer):
        """Answer for each song, with ``unreadable_answer`` for those that could not be read."""
        return np.concatenate(
            [
                self._answer_songs(start, songs, readable, answer, unreadable_answer)
                for start, songs, readable in self._validate_predict(X)
            ]
        )

    def _answer_songs(self, start, X, readable, answer, unreadable_answer):
        answers = answer_readable(
            readable, lambda: answer(*self._flatten_readable(X, readable)), unreadable_answer
        )
        check_finite(self, X, readable, answers, start)
        return answers

    def _flatten_readable(self, X, readable):
        segments, counts = flatten(*take_songs(readable, X))
        if segments.shape[1:] != self.input_shape_:
            raise ValueError(
                f"Segments have the shape {segments.shape[1:]}, but {type(self).__name__} is "
                f"expecting {self.input_shape_} (bands, frames), as in fit"
            )
        return segments, counts

    def _validate_predict(self, X):
        """Yield the first's number, songs, and which could be read: a few stored ones, or all."""
        X = validate_bags(
            self, X, reset=False, dtype=self._dtype, may_stay_stored=self._reads_stored
        )
        if not isinstance(X, StoredSongs):
            yield 0, X, is_readable(X)
            return
        start = 0
        for songs, readable in X.blocks():
            yield start, songs, readable
            start += len(songs)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags

    def _more_tags(self):
        return {"allow_nan": True}
