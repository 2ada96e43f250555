"""Onsets and tempo, with librosa's numbers."""

import numpy as np
import scipy.fft

from ._levels import normalize
from ._mel_filters import frame_window

# The tempo that is likeliest before anything is heard, how many octaves others are from it, and the
# fastest, in beats per minute.
_LIKELY_TEMPO, _OCTAVES, _FASTEST_TEMPO = 120, 1.0, 320.0


def onset_strength(mel_db, *, n_fft, hop_length):
    """Return how much louder mel bands become, (n_frames,), from their decibels."""
    louder = np.maximum(0.0, mel_db[:, 1:] - mel_db[:, :-1]).mean(axis=0)
    # a frame later, and half a frame more, in the middle of which it is heard
    return np.pad(louder, (1 + n_fft // (2 * hop_length), 0))[: mel_db.shape[1]]


def tempogram(onset_envelope, *, win_length):
    """Return the local autocorrelation of an onset envelope, (win_length, n_frames)."""
    n_frames = len(onset_envelope)
    padded = np.pad(onset_envelope, win_length // 2, mode="linear_ramp", end_values=0)
    frames = np.lib.stride_tricks.sliding_window_view(padded, win_length)[:n_frames]
    window = frame_window("hann", win_length, win_length).astype(np.float32)
    n_fft = scipy.fft.next_fast_len(2 * win_length - 1, real=True)
    spectra = scipy.fft.rfft(frames * window, n_fft)
    parts = spectra.view(np.float32)
    np.square(parts, out=parts)
    parts[:, ::2] += parts[:, 1::2]
    parts[:, 1::2] = 0
    correlation = scipy.fft.irfft(spectra, n_fft, overwrite_x=True)[:, :win_length]
    return normalize(correlation.T)


def tempo(tempogram, *, sr, hop_length):
    """Return the likeliest tempo in beats per minute, (1,), from a tempogram of all its frames."""
    strength = tempogram.mean(axis=1, keepdims=True)
    tempi = np.full(len(tempogram), np.inf)
    tempi[1:] = 60.0 * sr / (hop_length * np.arange(1.0, len(tempi)))
    likely = -0.5 * ((np.log2(tempi) - np.log2(_LIKELY_TEMPO)) / _OCTAVES) ** 2
    likely[: np.argmax(tempi < _FASTEST_TEMPO)] = -np.inf
    return tempi[np.argmax(np.log1p(1e6 * strength) + likely[:, np.newaxis], axis=0)]
