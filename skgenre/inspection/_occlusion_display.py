import numpy as np

from .._names import printable
from ..feature_extraction import MFCCSegmenter
from ._occlusion import explain_segment, open_segment
from ._plotting import AS_IT_IS, make_panels
from ._songs import as_pipeline, mel_transformer
from ._spectrogram_axes import (
    SIGNED_CMAP,
    coefficient_limit,
    draw_coefficients,
    draw_mel,
    frame_edges,
    mel_edges,
)


class OcclusionDisplay:
    """Plot the times and frequencies that a prediction for a segment depends on.

    One panel shows the segment, the other how much the genre's probability drops when each part of
    it is covered [1]_. Create it with `OcclusionDisplay.from_estimator`. All parameters are stored
    as attributes. See :doc:`/guide/inspection`.

    Parameters
    ----------
    spectrogram : ndarray of shape (n_bands, n_frames)
        The segment.
    drops : ndarray of shape (n_bands, n_frames)
        The drops that `explain_segment` returns.
    genre : label
        The genre that is explained.
    proba : float
        Its probability for the complete segment.
    segment : int, default=0
        Index of the segment in the song.
    transformer : MelSpectrogramTransformer or MFCCSegmenter, default=None
        The transformer that made the spectrogram, for axes in seconds and Hz. ``None`` counts
        frames and bands.

    Attributes
    ----------
    axes_ : ndarray of Axes
        The axes of the segment and of the drops.
    figure_ : Figure
        The figure with the axes.

    See Also
    --------
    explain_segment : Computes the drops.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV
       2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skgenre import OcclusionDisplay, SegmentVotingClassifier
    >>> X = np.random.default_rng(0).normal(size=(40, 8, 16))
    >>> y = np.repeat(["blues", "rock"], 20)
    >>> X[20:, 2] += 3
    >>> clf = SegmentVotingClassifier(LogisticRegression()).fit(X, y)
    >>> display = OcclusionDisplay.from_estimator(clf, X[30], patch_shape=(1, 16))
    >>> display.genre
    'rock'
    """

    def __init__(self, spectrogram, drops, *, genre, proba, segment=0, transformer=None):
        self.spectrogram = spectrogram
        self.drops = drops
        self.genre = genre
        self.proba = proba
        self.segment = segment
        self.transformer = transformer

    @classmethod
    def from_estimator(
        cls, estimator, X, *, genre=None, segment=0, patch_shape=None, fill=None, ax=None
    ):
        """Explain a segment and plot the result.

        Parameters
        ----------
        estimator : classifier or Pipeline
            A fitted classifier, as in `explain_segment`.
        X : path or ndarray of shape (n_samples,), (n_bands, n_frames) or (n_segments, ...)
            The song: a clip if the estimator takes clips, otherwise its features, as a spectrogram
            or a bag of segments of shape (n_segments, n_bands, n_frames).
        genre : label, default=None
            The genre to explain. ``None`` means the one predicted for the segment.
        segment : int, default=0
            Index of the segment in the song.
        patch_shape : tuple of int, default=None
            Number of bands and frames of a patch. ``None`` means an eighth of each.
        fill : float or array-like of shape (n_bands,), default=None
            Value to cover patches with. ``None`` means the mean of each band.
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two axes. ``None`` creates a new figure.

        Returns
        -------
        display : OcclusionDisplay
            The display with the plot.
        """
        estimator = as_pipeline(estimator)
        spectrogram, ask = open_segment(estimator, X, segment)
        proba = dict(
            zip(estimator.classes_.tolist(), ask(spectrogram[np.newaxis])[0].tolist(), strict=True)
        )
        genre = max(proba, key=proba.__getitem__) if genre is None else genre
        drops = explain_segment(
            estimator, X, genre=genre, segment=segment, patch_shape=patch_shape, fill=fill
        )
        return cls(
            spectrogram,
            drops,
            genre=genre,
            proba=proba[genre],
            segment=segment,
            transformer=mel_transformer(estimator),
        ).plot(ax)

    def plot(self, ax=None):
        """Draw both panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two axes. ``None`` creates a new figure.

        Returns
        -------
        display : OcclusionDisplay
            This display.
        """
        self.axes_ = make_panels(ax, (1, 2), figsize=(11, 4), sharex=True, sharey=True)
        self.figure_ = self.axes_[0].figure
        label, style, extend = "Value", {"cmap": "cividis"}, "neither"
        if self._is_mel():
            label, style = "Level (dB)", {}
        elif self.transformer is not None:
            limit = coefficient_limit(self.spectrogram)
            style, extend = {"vmin": -limit, "vmax": limit}, "both"
        mesh = self._draw(self.axes_[0], self.spectrogram, **style)
        self.figure_.colorbar(mesh, ax=self.axes_[0], label=label, extend=extend)
        limit = float(np.abs(self.drops).max()) or 1.0
        mesh = self._draw(self.axes_[1], self.drops, cmap=SIGNED_CMAP, vmin=-limit, vmax=limit)
        self.figure_.colorbar(mesh, ax=self.axes_[1], label="Drop of probability")
        self.axes_[0].set_title(f"Segment {self.segment}")
        title = f"{printable(self.genre)}, probability {self.proba:.2f}"
        self.axes_[1].set_title(title, **AS_IT_IS)
        for ax in self.axes_:
            ax.set_xlabel("Frame" if self.transformer is None else "Time (s)")
        self.axes_[1].set_ylabel("")
        return self

    def _is_mel(self):
        return self.transformer is not None and not isinstance(self.transformer, MFCCSegmenter)

    def _draw(self, ax, values, **style):
        if self.transformer is None:
            mesh = draw_coefficients(ax, np.arange(values.shape[1] + 1) - 0.5, values, **style)
            ax.set_ylabel("Band")
            return mesh
        n_frames = values.shape[1]
        n_samples = self.transformer._segment_samples() or n_frames * self.transformer.hop_length
        start = self.segment * n_samples / self.transformer.sr
        seconds = start + frame_edges(self.transformer, n_frames, n_samples)
        ax.set_xlim(start, start + n_samples / self.transformer.sr)
        if not self._is_mel():
            return draw_coefficients(ax, seconds, values, **style)
        return draw_mel(
            ax, seconds, mel_edges(self.transformer), values, htk=self.transformer.htk, **style
        )
