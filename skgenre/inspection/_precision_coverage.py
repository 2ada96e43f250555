import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._genres import check_genres
from .._names import printable
from .._tables import make_labels
from ..ensemble._precision import bound_precisions, look_up, trace_precision
from ._plotting import COLORS, legend_below, make_axes
from ._validation import check_proba


class PrecisionCoverageDisplay:
    """Plot the precision of predictions against the share of songs that are predicted.

    Songs are sorted by the probability of their predicted genre [1]_. On the left, only the surest
    songs are predicted; on the right, all are, and precision is the accuracy. The shaded area
    extends one standard error below the curve. Create it with
    `PrecisionCoverageDisplay.from_estimator` or `PrecisionCoverageDisplay.from_predictions`. All
    parameters are stored as attributes. See :doc:`/guide/confidence`.

    Parameters
    ----------
    curve : PrecisionCurve
        Thresholds, coverages, precisions and numbers of predictions, as in the ``precision_curve_``
        of `SelectiveClassifier`.
    threshold : float, default=None
        Probability from which songs are predicted, to mark on the curve.
    target_precision : float, default=None
        Share of predictions that should be right, to draw as a line.
    name : str, default=None
        Name of the classifier in the legend.

    Attributes
    ----------
    precision_ : float
        Precision at the threshold; NaN if there is no threshold or no song reaches it.
    coverage_ : float
        Share of the songs that reach the threshold; NaN without a threshold.
    line_ : Line2D
        The curve.
    point_ : Line2D or None
        The mark of the threshold, if any song reaches it.
    ax_ : Axes
        The axes with the plot.
    figure_ : Figure
        The figure with the axes.

    See Also
    --------
    SelectiveClassifier : Predicts a genre only from a threshold on.
    ReliabilityDisplay : Compares probabilities with accuracy.

    References
    ----------
    .. [1] Y. Geifman and R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS
       2017.

    Examples
    --------
    >>> from skgenre import PrecisionCoverageDisplay
    >>> y = ["blues", "rock", "rock", "pop"]
    >>> proba = [[0.9, 0.1, 0.0], [0.2, 0.1, 0.7], [0.5, 0.1, 0.4], [0.1, 0.7, 0.2]]
    >>> display = PrecisionCoverageDisplay.from_predictions(
    ...     y, proba, labels=["blues", "pop", "rock"], threshold=0.6
    ... )
    >>> float(display.precision_), float(display.coverage_)
    (1.0, 0.75)
    """

    def __init__(self, curve, *, threshold=None, target_precision=None, name=None):
        self.curve = curve
        self.threshold = threshold
        self.target_precision = target_precision
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, X=None, y=None, *, name=None, ax=None):
        """Plot precision against coverage of a classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier with ``predict_proba``. The threshold of a `SelectiveClassifier`,
            also at the end of a `Pipeline`, is marked.
        X : sequence of paths or array-like of shape (n_songs, ...), default=None
            Songs that the classifier was not fitted to. ``None`` uses the songs that a
            `SelectiveClassifier` held out in its ``fit``.
        y : array-like of shape (n_songs,), default=None
            The genre of each song.
        name : str, default=None
            Name of the classifier in the legend. ``None`` uses the name of its class.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : PrecisionCoverageDisplay
            The display with the plot.

        Raises
        ------
        TypeError
            If the classifier has no ``predict_proba``, or held out no songs and gets none.
        ValueError
            If only one of ``X`` and ``y`` is given.
        """
        check_is_fitted(estimator)
        last = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        name = type(estimator).__name__ if name is None else name
        if (X is None) != (y is None):
            raise ValueError("Pass both X and y, or neither to use the songs held out in fit")
        if X is not None and not hasattr(estimator, "predict_proba"):
            raise TypeError(f"{printable(name)} has no predict_proba")
        if X is None and not hasattr(last, "precision_curve_"):
            raise TypeError(f"{printable(name)} held out no songs in fit; pass X and y")
        if X is None:
            curve = last.precision_curve_
        else:
            curve = _trace(y, estimator.predict_proba(X), estimator.classes_)
        threshold = getattr(last, "threshold_", None)
        target = getattr(last, "target_precision", None)
        return cls(curve, threshold=threshold, target_precision=target, name=name).plot(ax)

    @classmethod
    def from_predictions(
        cls,
        y_true,
        y_proba,
        *,
        labels=None,
        threshold=None,
        target_precision=None,
        name=None,
        ax=None,
    ):
        """Plot precision against coverage of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_songs,)
            The true genre of each song.
        y_proba : array-like of shape (n_songs, n_classes)
            The predicted probability of each genre.
        labels : array-like of shape (n_classes,), default=None
            The genres, in the order of the columns. ``None`` uses those of ``y_true``, sorted.
        threshold : float, default=None
            Probability from which songs are predicted, to mark on the curve.
        target_precision : float, default=None
            Share of predictions that should be right, to draw as a line.
        name : str, default=None
            Name of the classifier in the legend.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : PrecisionCoverageDisplay
            The display with the plot.

        Raises
        ------
        ValueError
            If ``y_proba`` does not hold probabilities, or not of as many genres as ``labels``.
        """
        labels = np.unique(check_genres(y_true)) if labels is None else labels
        curve = _trace(y_true, y_proba, labels)
        settings = {"threshold": threshold, "target_precision": target_precision, "name": name}
        return cls(curve, **settings).plot(ax)

    def plot(self, ax=None):
        """Draw the curve.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : PrecisionCoverageDisplay
            This display.
        """
        curve = self.curve
        self.precision_, self.coverage_ = np.nan, np.nan
        if self.threshold is not None:
            self.precision_, self.coverage_ = look_up(curve, self.threshold)
        self.ax_ = make_axes(ax, figsize=(6.4, 4.8))
        self.figure_ = self.ax_.figure
        label = "Classifier" if self.name is None else printable(self.name)
        (self.line_,) = self.ax_.plot(
            curve.coverages,
            curve.precisions,
            color=COLORS[0],
            label=f"{label}, accuracy {curve.precisions[-1]:.3f}",
        )
        bounds = bound_precisions(curve)
        band = self.ax_.fill_between(
            curve.coverages,
            bounds,
            curve.precisions,
            color=COLORS[4],
            alpha=0.4,
            linewidth=0,
            label="Less one standard error",
        )
        handles = [self.line_, band]
        if self.target_precision is not None:
            handles.append(
                self.ax_.axhline(
                    self.target_precision,
                    color="black",
                    linestyle="--",
                    label=f"Target {self.target_precision:g}",
                )
            )
        self.point_ = None
        if self.coverage_ > 0:
            (self.point_,) = self.ax_.plot(
                self.coverage_,
                self.precision_,
                linestyle="none",
                marker="o",
                color=COLORS[5],
                clip_on=False,
                label=f"Threshold {self.threshold:.2f}: {self.precision_:.3f} "
                f"at {self.coverage_:.3f}",
            )
            handles.append(self.point_)
        self.ax_.set(
            xlabel="Coverage: share of songs that are answered",
            ylabel="Precision: share of answers that are right",
            xlim=(0, 1),
            ylim=(0, 1.02),
        )
        legend_below(self.ax_, handles, ncols=2)
        return self


def _trace(y_true, proba, labels):
    """Return the `PrecisionCurve` of songs; a genre without a column is never right."""
    y_true, labels = check_genres(y_true), make_labels(labels)
    proba = check_proba(proba, len(labels))
    check_consistent_length(y_true, proba)
    true = labels.get_indexer(make_labels(y_true))
    return trace_precision(proba.max(axis=1), proba.argmax(axis=1) == true)
