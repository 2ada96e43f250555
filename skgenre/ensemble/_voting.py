import numpy as np
from sklearn import config_context
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from .._bag_classifier import BagClassifier
from .._bags import (
    AGGREGATES,
    flatten,
    mean_over_segments,
    segment_weights,
)
from .._base import fit_context
from .._fit_parameters import fit_parameter_name


def _estimator_has(method):
    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return check


class SegmentVotingClassifier(MetaEstimatorMixin, BagClassifier):
    """Classify songs by letting their segments vote, with any scikit-learn classifier.

    The classifier is fitted to the segments of all training songs. If it takes sample weights, each
    song has the same weight, however many segments it has. A row of X is a whole song, so
    train/test splits, cross-validation and grid searches cannot separate the segments of a song.

    Parameters
    ----------
    estimator : classifier
        The classifier of segments, such as a `Pipeline`. It gets one row of
        ``n_bands * n_frames`` numbers per segment.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments are combined: their mean, their normalised
        geometric mean, or the share of segments that each genre wins. Without ``predict_proba``,
        the mean of ``decision_function`` decides, or else the vote.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier of segments.
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the readable training songs, which is also the prediction for
        songs that could not be read.
    input_shape_ : tuple of int
        Number of bands and frames of a segment.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.

    See Also
    --------
    SegmentSummarizer : Turns a song's segments into one row, so no vote is needed.
    KerasCNNClassifier : Networks that combine segments in the same way.

    Notes
    -----
    The classifier sees the genres as you pass them to `fit`, so use them as the keys of its
    ``class_weight``. A classifier that takes integers only, such as XGBoost's, needs integer genres
    starting at 0. scikit-learn's `VotingClassifier` and `BaggingClassifier` encode the genres as
    integers themselves, so classifiers inside them see those.

    Put `sklearn.calibration.CalibratedClassifierCV` and `sklearn.model_selection.GridSearchCV`
    around this classifier, not inside it, where they would separate the segments of a song.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import MFCCSegmenter, SegmentVotingClassifier, SpectrogramScaler
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(12, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_pipeline(
    ...     MFCCSegmenter(duration=3.0, n_segments=3),
    ...     SpectrogramScaler(),
    ...     SegmentVotingClassifier(LogisticRegression()),
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    _dtype = [np.float64, np.float32]

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"])],
        "aggregate": [StrOptions(set(AGGREGATES))],
    }

    def __init__(self, estimator, *, aggregate="mean"):
        self.estimator = estimator
        self.aggregate = aggregate

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, sample_weight=None):
        """Fit the classifier to the segments of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs: a table (n_songs, n_features), spectrograms (n_songs, n_bands,
            n_frames), bags of segments (n_songs, n_segments, n_bands, n_frames), or a list of bags
            (n_segments, n_bands, n_frames) of different sizes.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song, divided among its segments.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is only one genre, no song could be read, or ``sample_weight`` is negative or
            sums to zero.
        """
        return self._fit(X, y, sample_weight)

    def _fit_songs(self, X, codes, sample_weight, groups):
        if any(
            name.endswith("decision_function_shape") and value == "ovo"
            for name, value in self.estimator.get_params().items()
        ):
            raise ValueError(
                "decision_function_shape='ovo' has no column for each genre; use the default 'ovr'"
            )
        segments, counts = flatten(X)
        weights = segment_weights(counts, sample_weight)
        weight_name = fit_parameter_name(self.estimator, "sample_weight")
        all_one = np.allclose(weights, 1, rtol=1e-9)
        if weight_name is None and np.ptp(sample_weight):
            raise TypeError(f"{self.estimator!r} does not support sample weights")
        fit_params = {} if all_one or weight_name is None else {weight_name: weights}
        # the weights of segments are ours, and are not what metadata routing is about
        with config_context(enable_metadata_routing=False):
            self.estimator_ = clone(self.estimator).fit(
                _rows(segments), np.repeat(self.classes_[codes], counts), **fit_params
            )

    def _segment_proba(self, segments):
        return self.estimator_.predict_proba(_rows(segments))

    @available_if(_estimator_has("predict_proba"))
    def predict_segment_proba(self, X):
        """Predict the genre probabilities of each segment of each song.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        proba : list of ndarray of shape (n_segments, n_classes)
            One array per song. A song that could not be read gets the class prior.
        """
        return super().predict_segment_proba(X)

    @available_if(_estimator_has("predict_proba"))
    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The probabilities, in the order of ``classes_``. A song that could not be read gets the
            class prior.
        """
        return super().predict_proba(X)

    @available_if(_estimator_has("decision_function"))
    def decision_function(self, X):
        """Average the estimator's decision function over the segments of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        decision : ndarray of shape (n_songs, n_classes), or (n_songs,) for two classes
            The mean decision. A song that could not be read gets the logarithm of the class prior
            or, for two classes, of its odds.
        """
        check_is_fitted(self)
        unreadable = np.log(np.maximum(self.class_prior_, np.finfo(float).tiny))
        if len(self.classes_) == 2:
            unreadable = unreadable[1] - unreadable[0]
        return self._predict_songs(
            X,
            lambda segments, counts: mean_over_segments(
                self.estimator_.decision_function(_rows(segments)), counts
            ),
            unreadable,
        )

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres. A song that could not be read gets the most frequent genre.
        """
        check_is_fitted(self)
        if hasattr(self.estimator_, "predict_proba"):
            return super().predict(X)
        if self.aggregate == "vote" or not hasattr(self.estimator_, "decision_function"):
            scores = self._predict_songs(X, self._votes, self.class_prior_)
        else:
            scores = self.decision_function(X)
        winners = scores > 0 if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[np.asarray(winners, dtype=int)]

    def _votes(self, segments, counts):
        # pickles of earlier versions hold estimators that know genres by number
        classes = getattr(self.estimator_, "classes_", self.classes_)
        votes = self.estimator_.predict(_rows(segments))[:, np.newaxis] == classes
        return mean_over_segments(votes.astype(float), counts)


def _rows(segments):
    return segments.reshape(len(segments), -1)
