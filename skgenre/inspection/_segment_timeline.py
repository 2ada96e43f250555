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
    """Genre probabilities through a song, segment by segment.

    A dot marks the most probable genre of each segment. Make it with
    `SegmentTimelineDisplay.from_estimator` or `SegmentTimelineDisplay.from_predictions`. All
    parameters are stored as attributes.

    Parameters
    ----------
    proba : ndarray of shape (n_segments, n_classes)
        Probabilities of the segments of one song.
    classes : array-like of shape (n_classes,)
        The genres.
    segment_duration : float
        Length of a segment, in seconds. Each begins where the one before ends.

    Attributes
    ----------
    ax_ : Axes
        What is drawn on.
    figure_ : Figure
        What it is in.
    mesh_ : QuadMesh
        The probabilities, a row for each genre.

    See Also
    --------
    SegmentVotingClassifier : Lets any classifier judge segments.

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
        """Draw what a classifier says of the segments of a song.

        Parameters
        ----------
        estimator : classifier or Pipeline
            Fitted. It, or its last step, has ``predict_segment_proba``.
        X : path, ndarray of shape (n_samples,) or ndarray of shape (n_segments, n_bands, n_frames)
            The song: a clip for pipelines that begin with a transformer of clips, for
            `Wav2VecClassifier` and for what `load_model` gives, else its features.
        segment_duration : float, default=None
            Length of a segment, in seconds. ``None`` asks the transformer or `Wav2VecClassifier`.
        ax : Axes, default=None
            What to draw on; in a figure of constrained layout, there is room for the legend.
            ``None`` is a new figure.

        Returns
        -------
        display : SegmentTimelineDisplay

        Raises
        ------
        AudioError
            If the song cannot be read.
        TypeError
            If the classifier does not judge segments.
        ValueError
            If the length of a segment is not known, or segments are not next to each other, as
            those of a `Wav2VecClassifier` with ``n_segments``.
        """
        classifier = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        if not hasattr(classifier, "predict_segment_proba"):
            raise TypeError(
                f"{type(classifier).__name__} has no predict_segment_proba; "
                "SegmentVotingClassifier gives it one"
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
            raise ValueError("The length of a segment is not known; give segment_duration")
        return cls(proba, classes=classifier.classes_, segment_duration=segment_duration).plot(ax)

    @classmethod
    def from_predictions(cls, proba, *, classes, segment_duration, ax=None):
        """Draw what was said of the segments of a song.

        Parameters
        ----------
        proba : array-like of shape (n_segments, n_classes)
            Probabilities of the segments of one song: an element of what
            ``predict_segment_proba`` returns.
        classes : array-like of shape (n_classes,)
            The genres.
        segment_duration : float
            Length of a segment, in seconds. Each begins where the one before ends.
        ax : Axes, default=None
            What to draw on; in a figure of constrained layout, there is room for the legend.
            ``None`` is a new figure.

        Returns
        -------
        display : SegmentTimelineDisplay

        Raises
        ------
        ValueError
            If these are no probabilities, or not of as many genres.
        """
        return cls(proba, classes=classes, segment_duration=segment_duration).plot(ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            What to draw on; in a figure of constrained layout, there is room for the legend.
            ``None`` is a new figure.

        Returns
        -------
        display : SegmentTimelineDisplay
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
            f"The classifier hears n_segments={classifier.n_segments} of a song, not one after the "
            "other; call set_params(n_segments=None) on it"
        )
    return classifier.predict_segment_proba([clip])[0]
