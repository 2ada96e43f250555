import numpy as np
from sklearn.base import clone

from ..feature_extraction import MelSpectrogramTransformer, MFCCSegmenter
from ._plotting import COLORS, make_panels
from ._songs import check_clip, extract, mel_transformer
from ._spectrogram_axes import (
    coefficient_limit,
    draw_coefficients,
    draw_mel,
    frame_edges,
    mel_edges,
)


class MelSpectrogramDisplay:
    """Plot waveform, mel spectrogram and MFCCs of a clip, as a classifier gets them.

    Create it with `MelSpectrogramDisplay.from_estimator`. All parameters are stored as attributes.
    See :doc:`/guide/inspection`.

    Parameters
    ----------
    waveform : ndarray of shape (n_segments, n_samples)
        The segments of the clip, cropped or repeated to the transformer's duration.
    mel : ndarray of shape (n_segments, n_mels, n_frames)
        The mel spectrograms, in dB.
    mfcc : ndarray of shape (n_segments, n_mfcc, n_frames), default=None
        The cepstral coefficients, if there are any.
    transformer : MelSpectrogramTransformer or MFCCSegmenter
        The transformer that made them, for its sample rate, hop length and mel scale.

    Attributes
    ----------
    axes_ : ndarray of Axes
        The axes of waveform, mel spectrogram and, if there are any, coefficients.
    figure_ : Figure
        The figure with the axes.

    See Also
    --------
    MelSpectrogramTransformer : Computes mel spectrograms.
    MFCCSegmenter : Computes cepstral coefficients.

    Examples
    --------
    >>> from skgenre import MelSpectrogramDisplay, MFCCSegmenter
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(1, duration=3.0, random_state=0)
    >>> segmenter = MFCCSegmenter(duration=3.0, n_segments=3)
    >>> display = MelSpectrogramDisplay.from_estimator(segmenter, X[0])
    >>> [ax.get_ylabel() for ax in display.axes_]
    ['Amplitude', 'Frequency (Hz)', 'Coefficient']
    """

    def __init__(self, waveform, mel, mfcc=None, *, transformer):
        self.waveform = waveform
        self.mel = mel
        self.mfcc = mfcc
        self.transformer = transformer

    @classmethod
    def from_estimator(cls, estimator, X, *, ax=None):
        """Plot a clip as an estimator gets it.

        Parameters
        ----------
        estimator : MelSpectrogramTransformer, MFCCSegmenter or Pipeline
            A transformer, or a pipeline that starts with one.
        X : path, ndarray of shape (n_samples,) or another clip
            The clip, in any form that the transformer takes. A waveform is at the transformer's
            ``sr``.
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or two axes, or three for an `MFCCSegmenter`. ``None`` creates a new
            figure.

        Returns
        -------
        display : MelSpectrogramDisplay
            The display with the plot.

        Raises
        ------
        AudioError
            If the clip cannot be read.
        TypeError
            If the estimator does not start with such a transformer.
        """
        transformer = mel_transformer(estimator)
        if transformer is None:
            raise TypeError(
                "estimator must be a MelSpectrogramTransformer, an MFCCSegmenter or a pipeline "
                f"that begins with one, got {estimator!r}"
            )
        check_clip(X)
        features = _as_bag(extract(transformer, X))
        mel, mfcc = features, None
        if isinstance(transformer, MFCCSegmenter):
            params = transformer.get_params()
            del params["n_mfcc"]
            mel, mfcc = _as_bag(extract(MelSpectrogramTransformer(**params), X)), features
        (clip,) = clone(transformer)._check_clips([X], reset=True)
        waveform = np.concatenate(list(transformer._read(clip)))
        return cls(waveform, mel, mfcc, transformer=transformer).plot(ax)

    def plot(self, ax=None):
        """Draw the panels.

        Parameters
        ----------
        ax : Axes or array-like of Axes, default=None
            Axes to divide, or one for each panel. ``None`` creates a new figure.

        Returns
        -------
        display : MelSpectrogramDisplay
            This display.
        """
        n_panels = 2 if self.mfcc is None else 3
        self.axes_ = make_panels(
            ax,
            (n_panels, 1),
            figsize=(9, 1 + 2.2 * n_panels),
            sharex=True,
            height_ratios=[1, 2, 1.5][:n_panels],
        )
        self.figure_ = self.axes_[0].figure
        n_segments, n_samples = self.waveform.shape
        starts = np.arange(n_segments) * n_samples / self.transformer.sr
        seconds = frame_edges(self.transformer, self.mel.shape[2], n_samples)
        self._draw_waveform(self.axes_[0])
        self._draw_mel(self.axes_[1], starts, seconds)
        if self.mfcc is not None:
            self._draw_mfcc(self.axes_[2], starts, seconds)
        for i, ax in enumerate(self.axes_):
            color = "white" if i == 1 else "black"
            for border in starts[1:]:
                ax.axvline(border, color=color, linewidth=1, linestyle="--")
            ax.set_xlim(0, self.waveform.size / self.transformer.sr)
        self.axes_[-1].set_xlabel("Time (s)")
        return self

    def _draw_waveform(self, ax):
        y = self.waveform.ravel()
        seconds = np.arange(len(y)) / self.transformer.sr
        ax.plot(seconds, y, color=COLORS[0], linewidth=0.4, rasterized=True)
        limit = max(1.0, float(np.abs(y).max()))
        ax.set_ylim(-limit, limit)
        ax.set_ylabel("Amplitude")

    def _draw_mel(self, ax, starts, seconds):
        style = {"vmin": self.mel.min(), "vmax": self.mel.max(), "htk": self.transformer.htk}
        hertz = mel_edges(self.transformer)
        for start, segment in zip(starts, self.mel, strict=True):
            mesh = draw_mel(ax, start + seconds, hertz, segment, **style)
        self._add_colorbar(mesh, ax, label="Level (dB)")

    def _draw_mfcc(self, ax, starts, seconds):
        limit = coefficient_limit(self.mfcc)
        for start, segment in zip(starts, self.mfcc, strict=True):
            mesh = draw_coefficients(ax, start + seconds, segment, vmin=-limit, vmax=limit)
        self._add_colorbar(mesh, ax, label="Value", extend="both")

    def _add_colorbar(self, mesh, ax, **settings):
        # beside the axes, not within their place: the panels keep one width
        self.figure_.colorbar(mesh, cax=ax.inset_axes((1.02, 0, 0.02, 1)), **settings)


def _as_bag(features):
    return features if features.ndim == 3 else features[np.newaxis]
