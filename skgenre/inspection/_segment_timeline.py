import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from .._names import printable
from ..neural_network import Wav2VecClassifier
from ._plotting import AS_IT_IS, legend_below, make_axes
from ._songs import after_clips, check_clip, clip_transformer, open_song
from ._songs import segment_duration as transformer_duration
from ._validation import check_proba


class SegmentTimelineDisplay:
    """Plot the genre probabilities of each segment of a song over time.

    A dot marks the most probable genre of each segment. Create it with
    `SegmentTimelineDisplay.from_estimator` or `SegmentTimelineDisplay.from_predictions`. All
    parameters are stored as attributes. See :doc:`/guide/inspection`.

    Parameters
    ----------
    proba : ndarray of shape (n_segments, n_classes)
        The genre probabilities of the segments of one song.
    classes : array-like of shape (n_classes,)
        The genres.
    segment_duration : float
        Length of a segment, in seconds. Segments follow each other without gaps.

    Attributes
    ----------
    ax_ : Axes
        The axes with the plot.
    figure_ : Figure
        The figure with the axes.
    mesh_ : QuadMesh
        The probabilities, one row per genre.

    See Also
    --------
    SegmentVotingClassifier : Gives any classifier probabilities of segments.

    Examples
    --------
    >>> from skgenre import SegmentTimelineDisplay
    >>> proba = [[0.9, 0.1], [0.4, 0.6]]
    >>> display = SegmentTimelineDisplay.from_predictions(
    ...     proba, classes=["blues", "rock"], segment_duration=3.0
    ... )
    >>> display.ax_.get_xlabel(), float(display.ax_.get_xlim()[1])
    ('Time (s)', 6.0)
    """

    def __init__(self, proba, *, classes, segment_duration):
        self.proba = proba
        self.classes = classes
        self.segment_duration = segment_duration

    @classmethod
    def from_estimator(cls, estimator, X, *, segment_duration=None, ax=None):
        """Plot the genre probabilities of a song, as a classifier predicts them.

        Parameters
        ----------
        estimator : classifier or Pipeline
            A fitted classifier. It, or its last step, has ``predict_segment_proba``.
        X : path, ndarray of shape (n_samples,) or ndarray of shape (n_segments, n_bands, n_frames)
            The song: a clip if the estimator takes clips, otherwise its features.
        segment_duration : float, default=None
            Length of a segment, in seconds. ``None`` takes it from the transformer or from
            `Wav2VecClassifier`.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : SegmentTimelineDisplay
            The display with the plot.

        Raises
        ------
        AudioError
            If the song cannot be read.
        TypeError
            If the classifier has no ``predict_segment_proba``.
        ValueError
            If the length of a segment is unknown, or there are gaps between segments, as with the
            ``n_segments`` of `Wav2VecClassifier`.
        """
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if not hasattr(classifier, "predict_segment_proba"):
            raise TypeError(
                f"{type(classifier).__name__} has no predict_segment_proba; "
                "wrap it in SegmentVotingClassifier"
            )
        if isinstance(classifier, Wav2VecClassifier):
            proba = _hear_clip(classifier, X)
            segment_duration = segment_duration or classifier.segment_duration
        elif hasattr(classifier, "_as_pipeline"):
            segment_duration = segment_duration or classifier._find_segment_duration()
            check_clip(X)
            hearing = clone(classifier).set_params(on_error="raise", verbose=0)
            proba = hearing.predict_segment_proba([X])[0]
        else:
            song, rest = open_song(estimator, X)[np.newaxis], after_clips(estimator)
            if isinstance(rest, Pipeline) and len(rest) > 1:
                song = rest[:-1].transform(song)
            proba = classifier.predict_segment_proba(song)[0]
            segment_duration = segment_duration or transformer_duration(clip_transformer(estimator))
        if segment_duration is None:
            raise ValueError("The length of a segment is not known; pass segment_duration")
        return cls(proba, classes=classifier.classes_, segment_duration=segment_duration).plot(ax)

    @classmethod
    def from_predictions(cls, proba, *, classes, segment_duration, ax=None):
        """Plot given genre probabilities of a song.

        Parameters
        ----------
        proba : array-like of shape (n_segments, n_classes)
            The genre probabilities of the segments of one song, one element of what
            ``predict_segment_proba`` returns.
        classes : array-like of shape (n_classes,)
            The genres.
        segment_duration : float
            Length of a segment, in seconds. Segments follow each other without gaps.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : SegmentTimelineDisplay
            The display with the plot.

        Raises
        ------
        ValueError
            If ``proba`` does not hold probabilities, or not of as many genres as ``classes``.
        """
        return cls(proba, classes=classes, segment_duration=segment_duration).plot(ax)

    def plot(self, ax=None):
        """Draw the probabilities.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure. In a figure of your own, constrained
            layout leaves room for the legend.

        Returns
        -------
        display : SegmentTimelineDisplay
            This display.

        Raises
        ------
        ValueError
            If ``proba`` does not hold probabilities of ``classes``, or ``segment_duration`` is not
            positive.
        """
        classes = np.asarray(self.classes)
        proba = check_proba(self.proba, len(classes))
        if not self.segment_duration > 0:
            raise ValueError(f"segment_duration must be positive, got {self.segment_duration!r}")
        n_segments, n_classes = proba.shape
        self.ax_ = make_axes(ax, figsize=(8, 1.2 + 0.35 * n_classes))
        self.figure_ = self.ax_.figure
        edges = np.arange(n_segments + 1) * self.segment_duration
        self.mesh_ = self.ax_.pcolormesh(
            edges, np.arange(n_classes + 1) - 0.5, proba.T, cmap="cividis", vmin=0, vmax=1
        )
        self.figure_.colorbar(self.mesh_, ax=self.ax_, label="Probability")
        dots = self.ax_.scatter(
            edges[:-1] + self.segment_duration / 2,
            proba.argmax(axis=1),
            s=24,
            color="white",
            edgecolors="black",
            label="Most probable",
        )
        legend_below(self.ax_, [dots], loc="upper right", bbox_to_anchor=(1, 0), borderaxespad=2)
        self.ax_.set_yticks(np.arange(n_classes), labels=[*map(printable, classes)], **AS_IT_IS)
        self.ax_.set(xlabel="Time (s)", xlim=(0, edges[-1]), ylim=(n_classes - 0.5, -0.5))
        return self


def _hear_clip(classifier, clip):
    check_clip(clip)
    if classifier.n_segments is not None:
        raise ValueError(
            f"The classifier takes n_segments={classifier.n_segments} of a song, with gaps between "
            "them; call set_params(n_segments=None) on it"
        )
    return classifier.predict_segment_proba([clip])[0]
