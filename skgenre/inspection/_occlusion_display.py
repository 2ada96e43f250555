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
    """Which times and frequencies of a segment a genre's probability rests on.

    On one side the segment, on the other by how much the probability falls where the segment is
    painted over. Make it with `OcclusionDisplay.from_estimator`. All parameters are stored as
    attributes.

    Parameters
    ----------
    spectrogram : ndarray of shape (n_bands, n_frames)
        The segment.
    drops : ndarray of shape (n_bands, n_frames)
        As `explain_segment` returns it.
    genre : label
        Whose probability falls.
    proba : float
        This probability, of the segment as it is.
    segment : int, default=0
        Which segment of the song it is.
    transformer : MelSpectrogramTransformer or MFCCSegmenter, default=None
        What it was made with. ``None`` counts bands and frames, in place of Hz and seconds.

    Attributes
    ----------
    axes_ : ndarray of Axes
        The segment, and the drops.
    figure_ : Figure
        What they are in.

    See Also
    --------
    explain_segment : The numbers, and how they are found.

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
        """Explain a segment and draw it.

        Parameters
        ----------
        estimator, X, genre, segment, patch_shape, fill
            As `explain_segment` takes them.
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two of them. ``None`` is a new figure.

        Returns
        -------
        display : OcclusionDisplay
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
        """Draw.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two of them. ``None`` is a new figure.

        Returns
        -------
        display : OcclusionDisplay
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
