from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_scalar

from .._names import printable
from ..feature_extraction import OnnxEmbedder
from ._plotting import AS_IT_IS, make_axes
from ._songs import check_clip


class TagDisplay:
    """Plot the tags that a pretrained network predicts over the course of a song, as a taggram.

    Create it with `TagDisplay.from_estimator` or `TagDisplay.from_predictions`. All parameters are
    stored as attributes. See :doc:`/guide/tags`.

    Parameters
    ----------
    values : ndarray of shape (n_segments, n_tags)
        The probability of each tag in each segment.
    tags : array-like of shape (n_tags,)
        The names of the tags.
    segment_duration : float
        Length of a segment, in seconds. Segments follow each other without gaps.
    n_largest : int, default=12
        Number of tags to draw. The tags with the highest mean probability are drawn, the highest on
        top.

    Attributes
    ----------
    ax_ : Axes
        The axes with the plot.
    figure_ : Figure
        The figure with the axes.
    mesh_ : QuadMesh
        The probabilities, one row per tag.

    See Also
    --------
    OnnxEmbedder : Returns tags as a table.

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
        """Plot the tags of a song, as an embedder predicts them.

        Parameters
        ----------
        estimator : OnnxEmbedder
            An embedder whose network has the output ``"tags"``. The whole song is used,
            regardless of the embedder's ``duration`` and segments.
        X : path or ndarray of shape (n_samples,)
            The song. A waveform is at the embedder's ``sr``.
        segment_duration : float, default=None
            Length of a segment, in seconds. ``None`` means the length of the network's patches, or
            3 seconds if they can have any length.
        n_largest : int, default=12
            Number of tags to draw.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure.

        Returns
        -------
        display : TagDisplay
            The display with the plot.

        Raises
        ------
        AudioError
            If the song cannot be read.
        TypeError
            If the estimator is not an `OnnxEmbedder`.
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
        """Plot given tags of a song.

        Parameters
        ----------
        values : array-like of shape (n_segments, n_tags)
            The probability of each tag in each segment.
        tags : array-like of shape (n_tags,)
            The names of the tags.
        segment_duration : float
            Length of a segment, in seconds. Segments follow each other without gaps.
        n_largest : int, default=12
            Number of tags to draw.
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure.

        Returns
        -------
        display : TagDisplay
            The display with the plot.

        Raises
        ------
        ValueError
            If ``values`` has not one column per tag, or is not finite.
        """
        display = cls(values, tags=tags, segment_duration=segment_duration, n_largest=n_largest)
        return display.plot(ax)

    def plot(self, ax=None):
        """Draw the tags.

        Parameters
        ----------
        ax : Axes, default=None
            Axes to draw on. ``None`` creates a new figure.

        Returns
        -------
        display : TagDisplay
            This display.

        Raises
        ------
        ValueError
            If ``values`` has not one column per tag or is not finite, or ``segment_duration`` is
            not positive.
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
