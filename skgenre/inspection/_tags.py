from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_scalar

from .._names import printable
from ..feature_extraction import OnnxEmbedder
from ._plotting import AS_IT_IS, make_axes
from ._songs import check_clip


class TagDisplay:
    """Tags through a song, as a pretrained net hears them: a taggram.

    Make it with `TagDisplay.from_estimator` or `TagDisplay.from_predictions`. All parameters are
    stored as attributes.

    Parameters
    ----------
    values : ndarray of shape (n_segments, n_tags)
        How probable each tag is, segment by segment.
    tags : array-like of shape (n_tags,)
        The names of the tags.
    segment_duration : float
        Length of a segment, in seconds. Each begins where the one before ends.
    n_largest : int, default=12
        How many tags to draw: those that are most probable on average, the most probable on top.

    Attributes
    ----------
    ax_ : Axes
        What is drawn on.
    figure_ : Figure
        What it is in.
    mesh_ : QuadMesh
        The probabilities, a row for each tag.

    See Also
    --------
    OnnxEmbedder : Gives tags as a table.

    Examples
    --------
    >>> from skgenre import OnnxEmbedder, TagDisplay
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(1, duration=9.0, random_state=0)
    >>> display = TagDisplay.from_estimator(OnnxEmbedder(), X[0], n_largest=5)
    >>> display.values.shape, len(display.ax_.get_yticklabels())
    ((3, 50), 5)
    """

    def __init__(self, values, *, tags, segment_duration, n_largest=12):
        self.values = values
        self.tags = tags
        self.segment_duration = segment_duration
        self.n_largest = n_largest

    @classmethod
    def from_estimator(cls, estimator, X, *, segment_duration=None, n_largest=12, ax=None):
        """Draw the tags of a song.

        Parameters
        ----------
        estimator : OnnxEmbedder
            Of a net with the output ``"tags"``. The whole song is heard, however it cuts clips.
        X : path or ndarray of shape (n_samples,)
            The song; a waveform is at the embedder's ``sr``.
        segment_duration : float, default=None
            Length of a segment, in seconds. ``None`` is the length of the net's patches, or 3
            seconds where they have any length.
        n_largest : int, default=12
            How many tags to draw.
        ax : Axes, default=None
            What to draw on. ``None`` is a new figure.

        Returns
        -------
        display : TagDisplay

        Raises
        ------
        AudioError
            If the song cannot be read.
        TypeError
            If the estimator is no `OnnxEmbedder`.
        """
        if not isinstance(estimator, OnnxEmbedder):
            raise TypeError(f"Expected an OnnxEmbedder, got a {type(estimator).__name__}")
        check_clip(X)
        if segment_duration is None:
            segment_duration = estimator._make_frontend().patch_duration or 3.0
        embedder = clone(estimator).set_params(
            outputs=["tags"],
            statistics=["mean"],
            duration=None,
            n_segments=None,
            segment_duration=segment_duration,
            on_error="raise",
            verbose=0,
        )
        values = embedder.fit_transform([X])[0][..., 0]
        tags = embedder._open_net().names_of("tags")
        return cls.from_predictions(
            values, tags=tags, segment_duration=segment_duration, n_largest=n_largest, ax=ax
        )

    @classmethod
    def from_predictions(cls, values, *, tags, segment_duration, n_largest=12, ax=None):
        """Draw what was said of the segments of a song.

        Parameters
        ----------
        values : array-like of shape (n_segments, n_tags)
            How probable each tag is, segment by segment.
        tags : array-like of shape (n_tags,)
            The names of the tags.
        segment_duration : float
            Length of a segment, in seconds. Each begins where the one before ends.
        n_largest : int, default=12
            How many tags to draw.
        ax : Axes, default=None
            What to draw on. ``None`` is a new figure.

        Returns
        -------
        display : TagDisplay

        Raises
        ------
        ValueError
            If there are not as many names as columns, or values are not finite.
        """
        display = cls(values, tags=tags, segment_duration=segment_duration, n_largest=n_largest)
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : Axes, default=None
            What to draw on. ``None`` is a new figure.

        Returns
        -------
        display : TagDisplay
        """
        values = np.asarray(self.values, dtype=float)
        tags = list(self.tags)
        if values.ndim != 2 or values.shape[1] != len(tags) or not len(values):
            raise ValueError(
                f"Expected values of shape (n_segments, {len(tags)}), for as many tags, got "
                f"{values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError("values contain NaN or infinity")
        if not self.segment_duration > 0:
            raise ValueError(f"segment_duration must be positive, got {self.segment_duration!r}")
        check_scalar(self.n_largest, "n_largest", Integral, min_val=1)
        drawn = np.argsort(-values.mean(axis=0), kind="stable")[: self.n_largest]
        self.ax_ = make_axes(ax, figsize=(8, 1.2 + 0.3 * len(drawn)))
        self.figure_ = self.ax_.figure
        edges = np.arange(len(values) + 1) * self.segment_duration
        self.mesh_ = self.ax_.pcolormesh(
            edges, np.arange(len(drawn) + 1) - 0.5, values[:, drawn].T, cmap="cividis", vmin=0
        )
        self.figure_.colorbar(self.mesh_, ax=self.ax_, label="Probability")
        labels = [printable(tags[i]) for i in drawn]
        self.ax_.set_yticks(np.arange(len(drawn)), labels=labels, **AS_IT_IS)
        self.ax_.set(xlabel="Time (s)", xlim=(0, edges[-1]), ylim=(len(drawn) - 0.5, -0.5))
        return self
