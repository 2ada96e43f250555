import math
import warnings
from numbers import Real

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin, is_classifier
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted

from .._bags import check_several
from .._base import VersionedEstimator, check_not_empty, fit_context, forget_table
from .._fit_parameters import share_out
from .._names import printable
from .._sklearn import get_tags
from ._answers import fit_and_hold_out
from ._held_out import find_met, join_answers, make_folds, validate_to_split
from ._pool import LogarithmicPool, lay_side_by_side
from ._precision import bound_precisions, find_threshold, look_up, trace_precision


def _estimator_has(method):
    def check(self):
        return hasattr(getattr(self, "estimator_", self.estimator), method)

    return check


class SelectiveClassifier(MetaEstimatorMixin, ClassifierMixin, VersionedEstimator):
    """Predict a genre only for songs that a classifier is sure about, to reach a target precision.

    A song whose highest probability is below a threshold is predicted as ``unknown`` [1]_. `fit`
    learns the threshold from held-out songs, and also calibrates the probabilities by temperature
    scaling [2]_. Pass the artists to `fit` as ``groups``, and songs are held out by whole artists.
    See :doc:`/guide/confidence`.

    Parameters
    ----------
    estimator : classifier
        A classifier with ``predict_proba``, such as a `Pipeline`.
    target_precision : float, default=0.9
        Share of predicted genres that should be right, between 0 and 1.
    unknown : str or number, default="unknown"
        The prediction for all other songs: a str if genres are strings, a number such as -1 if they
        are numbers. It must not be a genre.
    cv : int, cross-validation splitter or iterable of folds, default=None
        How songs are held out, as in `GroupStackingClassifier`. The classifier is fitted once per
        fold and once to all songs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres, without ``unknown``.
    estimator_ : classifier
        The classifier, fitted to all songs.
    temperature_ : float
        What the logarithms of the probabilities are divided by. Above 1, the classifier was
        overconfident; below 1, underconfident. Infinite if its predictions for held-out songs are
        useless.
    threshold_ : float
        Probability from which a song gets a genre. 0 if all held-out songs could be predicted;
        infinite if the target cannot be reached, so that every prediction is ``unknown``.
    precision_ : float
        Share of right predictions among the held-out songs that reach the threshold; NaN if none
        do.
    coverage_ : float
        Share of the held-out songs that reach the threshold.
    precision_curve_ : PrecisionCurve
        What other thresholds would give: a tuple of the arrays ``thresholds``, ``coverages``,
        ``precisions`` and ``n_answers``. `PrecisionCoverageDisplay` draws it.
    calibrator_ : classifier
        Rescales the probabilities.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns, if X was a DataFrame.

    See Also
    --------
    PrecisionCoverageDisplay : Draws precision against coverage.
    GroupStackingClassifier : With a single classifier and ``"pool"``, only calibrates.
    sklearn.model_selection.TunedThresholdClassifierCV : Tunes a threshold for two classes.

    Notes
    -----
    The threshold is the one that predicts most songs while the precision on held-out songs, less
    one standard error (the lower limit of Wilson's interval), reaches the target. Without this
    margin, lucky thresholds would win: with a target of 0.9, in ten times five folds of GTZAN with
    artists apart, 0.89 of the predictions were right, and 0.91 with it. A target of 0.9 needs at
    least ten held-out predictions, all of them right, and 0.95 about twenty. The target holds for
    songs like those of `fit`, and on average: a single genre or artist may do worse.

    Songs whose whole genre was held out at once are ignored, because the classifier could not know
    that genre.

    ``score`` is the accuracy over all songs, and counts ``unknown`` as wrong; precision alone would
    favour a classifier that predicts almost nothing. Pass ``labels=clf.classes_`` to scikit-learn's
    metrics that average over genres, or they count ``unknown`` as one more genre.

    Weights in ``sample_weight`` should average 1.

    References
    ----------
    .. [1] Y. Geifman and R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS
       2017.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skgenre import AudioDescriptorTransformer, SelectiveClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y, artists = make_genre_clips(
    ...     60, n_genres=3, duration=3.0, n_artists_per_genre=5, random_state=0, return_groups=True
    ... )
    >>> selective = SelectiveClassifier(LogisticRegression(), target_precision=0.8)
    >>> mfcc = AudioDescriptorTransformer(features=("mfcc",), duration=3.0)
    >>> clf = make_pipeline(mfcc, StandardScaler(), selective)
    >>> clf = clf.fit(X, y, selectiveclassifier__groups=artists)
    >>> print(f"{selective.coverage_:.1f} of the songs, {selective.precision_:.1f} of them right")
    0.5 of the songs, 0.9 of them right
    """

    _parameter_constraints: dict = {
        "estimator": [HasMethods("fit")],
        "target_precision": [Interval(Real, 0, 1, closed="neither")],
        "unknown": [str, Real],
        "cv": ["cv_object"],
    }

    def __init__(self, estimator, *, target_precision=0.9, unknown="unknown", cv=None):
        self.estimator = estimator
        self.target_precision = target_precision
        self.unknown = unknown
        self.cv = cv

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None, sample_weight=None, **fit_params):
        """Fit the classifier, and learn the threshold from held-out songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs in the form that the classifier takes: paths, waveforms, bags of segments, a
            table.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            Group of each song, such as its artist. Also passed to a classifier whose own `fit`
            takes groups.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song, for the classifier, which must support it, and for the threshold.
        **fit_params : dict
            With scikit-learn's metadata routing, anything that the classifier requests; groups are
            then routed, too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        TypeError
            If the estimator is not a classifier with ``predict_proba``.
        ValueError
            If ``unknown`` is a genre or not of the type of the genres, there is only one genre, the
            classifier has not learned all genres, or the songs cannot be divided into folds.

        Warns
        -----
        UserWarning
            If no threshold reaches the target. The message names a target that can be reached.
        """
        self._check_estimator()
        X, y, groups = validate_to_split(self, X, y, groups)
        self.classes_ = np.unique(y)
        check_several(self)
        self._check_unknown()
        weights = _check_sample_weight(sample_weight, y)
        if (weights < 0).any():
            raise ValueError(f"sample_weight is negative for song {(weights < 0).argmax()}")
        folds = make_folds(self.cv, X, y, groups)
        metadata = {"groups": groups, "sample_weight": sample_weight, **fit_params}
        params = share_out(self, [("estimator", self.estimator)], metadata).get("estimator", {})

        self.estimator_, _, answers = fit_and_hold_out(
            self.estimator, None, X, y, folds, of_branch=params, of_head={}
        )
        self._check_genres()
        is_met = find_met(answers, folds, y)
        held_out = lay_side_by_side([join_answers(answers, folds, self.classes_)])
        self.calibrator_ = LogarithmicPool().fit(held_out, y, weights, is_met)
        (power,) = self.calibrator_.weights_
        self.temperature_ = 1 / power if power else math.inf
        proba = self.calibrator_.predict_proba(held_out)
        is_right = self.classes_[proba.argmax(axis=1)] == y
        self._choose_threshold(proba.max(axis=1), is_right, weights * is_met)
        self._note_columns()
        return self

    def _check_estimator(self):
        if not (is_classifier(self.estimator) and hasattr(self.estimator, "predict_proba")):
            raise TypeError(
                f"estimator must be a classifier with predict_proba, got {self.estimator!r}. "
                "For a classifier without probabilities, wrap it in "
                'GroupStackingClassifier([("name", clf)], "pool")'
            )

    def _check_unknown(self):
        """Refuse what cannot stand beside genres, or is one."""
        is_text = isinstance(self.classes_[0], str)
        if isinstance(self.unknown, str) != is_text or self.unknown != self.unknown:
            kind, example = ("a str", "'unknown'") if is_text else ("a number", "-1")
            raise ValueError(
                f"unknown must be {kind} like the genres, such as {example}; got {self.unknown!r}"
            )
        if self.unknown in self.classes_:
            raise ValueError(
                f"unknown must not be a genre, but y holds '{printable(self.unknown)}'; give "
                "unknown another name, or leave out the songs of that genre"
            )

    def _check_genres(self):
        """Refuse a classifier that knows others than the genres of y."""
        known = self.estimator_.classes_
        for here, there, said in (
            (self.classes_, known, "could read no song of"),
            (known, self.classes_, "was fitted before on genres of which y has no song:"),
        ):
            if len(alone := np.setdiff1d(here, there)):
                raise ValueError(f"{type(self.estimator_).__name__} {said} {alone.tolist()}")

    def _choose_threshold(self, confidence, is_right, weights):
        if not weights.any():
            raise ValueError(
                "Each fold holds out all songs of a genre, so none of them can be predicted; "
                "add songs, or groups of songs, of each genre"
            )
        self.precision_curve_ = curve = trace_precision(confidence, is_right, weights)
        self.threshold_ = float(find_threshold(curve, self.target_precision))
        self.precision_, self.coverage_ = map(float, look_up(curve, self.threshold_))
        if math.isinf(self.threshold_):
            bounds = bound_precisions(curve)
            reached = math.floor(bounds.max() * 100) / 100
            warnings.warn(
                f"target_precision={self.target_precision} cannot be promised, so every prediction "
                f"is {self.unknown!r}. {curve.n_answers[-1]:g} held-out songs promise at most "
                f"{reached:.2f}, with a coverage of {curve.coverages[bounds.argmax()]:.2f}; lower "
                "target_precision, or fit on more songs and artists",
                stacklevel=5,
            )

    def _note_columns(self):
        forget_table(self)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))

    def predict_proba(self, X):
        """Predict the genre probabilities of songs, including those predicted as ``unknown``.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The calibrated probabilities, in the order of ``classes_``.
        """
        check_is_fitted(self)
        check_not_empty(X, "song")
        return self.calibrator_.predict_proba(lay_side_by_side([self.estimator_.predict_proba(X)]))

    def predict(self, X):
        """Predict the genres of songs, or ``unknown``.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres; ``unknown`` where the highest probability is below ``threshold_``.
        """
        proba = self.predict_proba(X)
        genres = self.classes_[proba.argmax(axis=1)]
        is_sure = proba.max(axis=1) >= self.threshold_
        return np.where(is_sure, genres, np.asarray(self.unknown))

    @available_if(_estimator_has("predict_segment_proba"))
    def predict_segment_proba(self, X):
        """Predict the genre probabilities of each segment of each song.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        proba : list of ndarray of shape (n_segments, n_classes)
            One array per song, without calibration, because temperature and threshold are learned
            for whole songs.
        """
        check_is_fitted(self)
        return self.estimator_.predict_segment_proba(X)

    def get_metadata_routing(self):
        """Return the metadata routing of this classifier and the one in it.

        Returns
        -------
        routing : MetadataRouter
            The routing, as `sklearn.utils.metadata_routing` describes it.
        """
        fit = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self.estimator, method_mapping=fit)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self.estimator).input_tags
        tags.input_tags.allow_nan, tags.input_tags.sparse = inner.allow_nan, inner.sparse
        return tags

    def _more_tags(self):
        return {"allow_nan": get_tags(self.estimator).input_tags.allow_nan}
