import numpy as np
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted

from .._genres import check_genres
from .._names import printable
from .._tables import make_labels
from ..model_selection._scores import N_BINS, bin_confidence
from ._plotting import COLORS, legend_below, make_axes
from ._validation import check_proba


class ReliabilityDisplay:
    """Plot accuracy against confidence, for any number of genres.

    Songs are grouped by the probability of their predicted genre. Each bar is the share of right
    predictions in a group [1]_, and the number above it counts the songs. A bar below the diagonal
    means overconfidence. Create it with `ReliabilityDisplay.from_estimator` or
    `ReliabilityDisplay.from_predictions`. All parameters are stored as attributes. See
    :doc:`/guide/inspection`.

    Parameters
    ----------
    accuracy : ndarray of shape (n_bins,)
        Share of right predictions in each bin; NaN for an empty bin.
    confidence : ndarray of shape (n_bins,)
        Mean probability of the predicted genre in each bin; NaN for an empty bin.
    n_songs : ndarray of shape (n_bins,), dtype int
        Number of songs in each bin.
    name : str, default=None
        Name of the classifier in the legend.

    Attributes
    ----------
    calibration_error_ : float
        The expected calibration error: the mean difference between confidence and accuracy,
        weighted by the songs in each bin. `compare_classifiers` reports it, too.
    bars_ : BarContainer
        The bars.
    ax_ : Axes
        The axes with the plot.
    figure_ : Figure
        The figure with the axes.

    See Also
    --------
    sklearn.calibration.CalibrationDisplay : The same for two classes.
    sklearn.calibration.CalibratedClassifierCV : Calibrates a classifier.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017.

    Examples
    --------
    >>> from skgenre import ReliabilityDisplay
    >>> y = ["blues", "rock", "rock", "pop"]
    >>> proba = [[0.9, 0.1, 0.0], [0.2, 0.1, 0.7], [0.5, 0.1, 0.4], [0.1, 0.7, 0.2]]
    >>> display = ReliabilityDisplay.from_predictions(y, proba, labels=["blues", "pop", "rock"])
    >>> round(display.calibration_error_, 3)
    0.3
    """

    def __init__(self, accuracy, confidence, n_songs, *, name=None):
        self.accuracy = accuracy
        self.confidence = confidence
        self.n_songs = n_songs
        self.name = name

    @classmethod
    def from_estimator(cls, estimator, X, y, *, n_bins=N_BINS, name=None, ax=None):
        """Plot accuracy against confidence of a classifier.

        Parameters
        ----------
        estimator : classifier
            A fitted classifier with ``predict_proba``.
        X : sequence of paths or array-like of shape (n_songs, ...)
            Songs that the classifier was not fitted to.
        y : array-like of shape (n_songs,)
            The genre of each song.
        n_bins : int, default=15
            Number of bins of equal width between 0 and 1.
        name : str, default=None
            Name of the classifier in the legend. ``None`` uses the name of its class.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : ReliabilityDisplay
            The display with the plot.

        Raises
        ------
        TypeError
            If the classifier has no ``predict_proba``.
        """
        check_is_fitted(estimator)
        name = type(estimator).__name__ if name is None else name
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(f"{printable(name)} has no predict_proba")
        proba = estimator.predict_proba(X)
        return cls.from_predictions(
            y, proba, labels=estimator.classes_, n_bins=n_bins, name=name, ax=ax
        )

    @classmethod
    def from_predictions(cls, y_true, y_proba, *, labels=None, n_bins=N_BINS, name=None, ax=None):
        """Plot accuracy against confidence of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_songs,)
            The true genre of each song.
        y_proba : array-like of shape (n_songs, n_classes)
            The predicted probability of each genre.
        labels : array-like of shape (n_classes,), default=None
            The genres, in the order of the columns. ``None`` uses those of ``y_true``, sorted.
        n_bins : int, default=15
            Number of bins of equal width between 0 and 1.
        name : str, default=None
            Name of the classifier in the legend.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : ReliabilityDisplay
            The display with the plot.

        Raises
        ------
        ValueError
            If ``y_proba`` does not hold probabilities, or not of as many genres as ``labels``, or
            ``n_bins`` is less than 1.
        """
        y_true = check_genres(y_true)
        labels = np.unique(y_true) if labels is None else np.asarray(labels)
        proba = check_proba(y_proba, len(labels))
        check_consistent_length(y_true, proba)
        if n_bins < 1:
            raise ValueError(f"n_bins must be at least 1, got {n_bins}")
        # a genre that the classifier never saw has no column, and is never right
        true = make_labels(labels).get_indexer(make_labels(y_true))
        n_songs, confidence, accuracy = bin_confidence(proba, true, n_bins)
        return cls(accuracy, confidence, n_songs, name=name).plot(ax)

    def plot(self, ax=None):
        """Draw the bars.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : ReliabilityDisplay
            This display.
        """
        used = self.n_songs > 0
        gaps = np.abs(self.accuracy - self.confidence)[used]
        self.calibration_error_ = float(np.average(gaps, weights=self.n_songs[used]))
        self.ax_ = make_axes(ax, figsize=(6.4, 4.8))
        self.figure_ = self.ax_.figure
        n_bins = len(self.n_songs)
        middles = (np.arange(n_bins) + 0.5) / n_bins
        prefix = "" if self.name is None else f"{printable(self.name)}, "
        self.bars_ = self.ax_.bar(
            middles[used],
            self.accuracy[used],
            width=1 / n_bins,
            color=COLORS[4],
            edgecolor="white",
            label=f"{prefix}calibration error {self.calibration_error_:.3f}",
        )
        (diagonal,) = self.ax_.plot(
            [0, 1], [0, 1], color="black", linestyle="--", label="Perfectly calibrated"
        )
        (dots,) = self.ax_.plot(
            self.confidence[used],
            self.accuracy[used],
            linestyle="none",
            marker="o",
            markersize=4,
            color="black",
            clip_on=False,
            label="Mean confidence in bin",
        )
        self.ax_.set(
            xlabel="Confidence in the predicted genre", ylabel="Accuracy", xlim=(0, 1), ylim=(0, 1)
        )
        legend_below(self.ax_, [diagonal, dots, self.bars_], ncols=2)
        counts = self.ax_.secondary_xaxis("top")
        counts.set_xticks(middles[used], labels=[str(n) for n in self.n_songs[used]], fontsize=8)
        counts.tick_params(length=0)
        counts.set_xlabel("Songs")
        return self
