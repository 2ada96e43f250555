"""Pitch classes and what is computed from them, with librosa's numbers."""

from functools import lru_cache

import numpy as np

from ._levels import normalize

_N_CLASSES = 12
_A0 = 440.0 / 16
# The octave that counts most, and how wide the others spread around it.
_CENTER, _SPREAD = 5.0, 2
# Range of the pitches that librosa estimates the tuning from, in Hz, and how high their peaks are.
_TUNING_RANGE = (150.0, 4000.0)
_TUNING_THRESHOLD = 0.1
_N_TUNINGS = 100


def chroma_stft(power, *, sr, n_fft):
    """Return the energy of the pitch classes, (12, n_frames), of which the largest is 1."""
    filters = _chroma_filters(sr=sr, n_fft=n_fft, tuning=_tuning(power, sr=sr, n_fft=n_fft))
    return normalize(filters @ power.T)


def tonnetz(chroma):
    """Return fifths, minor and major thirds, two coordinates of each, (6, n_frames)."""
    scale = np.array([7.0 / 6, 7.0 / 6, 3.0 / 2, 3.0 / 2, 2.0 / 3, 2.0 / 3])
    angles = np.multiply.outer(scale, np.linspace(0, _N_CLASSES, num=len(chroma), endpoint=False))
    angles[::2] -= 0.5  # sines
    radii = np.array([1, 1, 1, 1, 0.5, 0.5])
    directions = radii[:, np.newaxis] * np.cos(np.pi * angles)
    return np.einsum("pc,...ci->...pi", directions, normalize(chroma, 1), optimize=True)


@lru_cache(maxsize=128)
def _chroma_filters(*, sr, n_fft, tuning):
    """Return weights of bins for each pitch class, from C, (12, n_fft // 2 + 1), float32."""
    frequencies = np.linspace(0, sr, n_fft, endpoint=False)[1:]
    pitches = _N_CLASSES * _octaves(frequencies, tuning)
    # the first bin, of 0 Hz, is placed one and a half octaves below the next
    pitches = np.concatenate([[pitches[0] - 1.5 * _N_CLASSES], pitches])
    widths = np.concatenate([np.maximum(np.diff(pitches), 1.0), [1]])
    distances = np.subtract.outer(pitches, np.arange(_N_CLASSES, dtype=float)).T
    half = _N_CLASSES // 2
    distances = np.remainder(distances + half + 10 * _N_CLASSES, _N_CLASSES) - half
    filters = normalize(np.exp(-0.5 * (2 * distances / widths) ** 2), 2)
    filters *= np.exp(-0.5 * ((pitches / _N_CLASSES - _CENTER) / _SPREAD) ** 2)
    filters = np.roll(filters, -3, axis=0)
    return np.ascontiguousarray(filters[:, : n_fft // 2 + 1], dtype=np.float32)


def _octaves(frequencies, tuning=0.0):
    """Return how many octaves frequencies are above the lowest A."""
    return np.log2(frequencies / (_A0 * 2.0 ** (tuning / _N_CLASSES)))


def _tuning(spectra, *, sr, n_fft):
    """Estimate the deviation from 440 Hz in semitones, as `librosa.estimate_tuning`."""
    low, high = np.searchsorted(np.fft.rfftfreq(n_fft, 1 / sr), _TUNING_RANGE)
    high = min(high, spectra.shape[1] - 1)
    before, here, after = (spectra[:, low + i : high + i] for i in (-1, 0, 1))
    heights = _TUNING_THRESHOLD * spectra.max(axis=1, keepdims=True)
    peaks = (here > heights) & (here > before) & (here >= after)
    bins = low + np.nonzero(peaks)[1]
    if not len(bins):
        return 0.0
    before, here, after = before[peaks], here[peaks], after[peaks]
    curvature, slope = before + after - 2 * here, (after - before) / 2
    shift = np.zeros_like(here)
    np.divide(-slope, curvature, out=shift, where=np.abs(slope) < np.abs(curvature))
    pitches = ((bins + shift) * sr / n_fft).astype(np.float32)
    heights = here + 0.5 * slope * shift
    beside = np.mod(_N_CLASSES * _octaves(pitches[heights >= np.median(heights)]), 1.0)
    beside[beside >= 0.5] -= 1.0
    counts, tunings = np.histogram(beside, np.linspace(-0.5, 0.5, _N_TUNINGS + 1))
    return tunings[np.argmax(counts)]
