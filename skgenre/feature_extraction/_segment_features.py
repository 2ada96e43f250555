"""The features of one segment, each computed when first asked for, from what they share."""

from functools import cached_property

import numpy as np
import scipy.fft
import scipy.signal

from .._statistics import summarize
from . import _frame_features, _harmony, _rhythm
from ._levels import power_to_db
from ._librosa_defaults import DELTA_FRAMES, TEMPO_SECONDS, TEMPOGRAM_LAGS
from ._medians import harmonic_percussive_rms
from ._spectrum import magnitude_spectra


class SegmentFeatures:
    """Features of a waveform: attributes of shape (n_bands, n_frames), named as in librosa."""

    def __init__(self, y, *, sr, n_fft, hop_length, n_mels, n_mfcc):
        self.y = y
        self.sr = sr
        self.n_fft = n_fft
        self.hop_length = hop_length
        self.n_mels = n_mels
        self.n_mfcc = n_mfcc

    @cached_property
    def _frequencies(self):
        return np.fft.rfftfreq(self.n_fft, 1 / self.sr)

    @cached_property
    def _magnitudes(self):
        return magnitude_spectra(self.y, n_fft=self.n_fft, hop_length=self.hop_length)

    @cached_property
    def _power(self):
        return np.square(self._magnitudes)

    @cached_property
    def _mel_db(self):
        return power_to_db(
            _frame_features.mel_power(self._power, sr=self.sr, n_fft=self.n_fft, n_mels=self.n_mels)
        )

    @cached_property
    def _shape(self):
        return _frame_features.spectral_shape(self._magnitudes, self._frequencies)

    @cached_property
    def _parts(self):
        return harmonic_percussive_rms(self._magnitudes, self.n_fft)

    @cached_property
    def chroma_stft(self):
        return _harmony.chroma_stft(self._power, sr=self.sr, n_fft=self.n_fft)

    @cached_property
    def tonnetz(self):
        return _harmony.tonnetz(self.chroma_stft)

    @cached_property
    def rms(self):
        return _frame_features.rms(self.y, frame_length=self.n_fft, hop_length=self.hop_length)

    @property
    def harmonic_rms(self):
        return self._parts[:1]

    @property
    def percussive_rms(self):
        return self._parts[1:]

    @property
    def spectral_centroid(self):
        return self._shape[:1]

    @property
    def spectral_bandwidth(self):
        return self._shape[1:2]

    @property
    def spectral_rolloff(self):
        return self._shape[2:]

    @cached_property
    def spectral_flatness(self):
        return _frame_features.spectral_flatness(self._power)

    @cached_property
    def spectral_contrast(self):
        return _frame_features.spectral_contrast(self._magnitudes, self._frequencies)

    @cached_property
    def zero_crossing_rate(self):
        return _frame_features.zero_crossing_rate(
            self.y, frame_length=self.n_fft, hop_length=self.hop_length
        )

    @cached_property
    def mfcc(self):
        return scipy.fft.dct(self._mel_db, axis=0, norm="ortho")[: self.n_mfcc]

    @cached_property
    def mfcc_delta(self):
        return _delta(self.mfcc, 1)

    @cached_property
    def mfcc_delta2(self):
        return _delta(self.mfcc, 2)

    @cached_property
    def onset_strength(self):
        return _rhythm.onset_strength(self._mel_db, n_fft=self.n_fft, hop_length=self.hop_length)[
            np.newaxis
        ]

    @cached_property
    def tempogram(self):
        return _rhythm.tempogram(self.onset_strength[0], win_length=TEMPOGRAM_LAGS)

    @cached_property
    def tempo(self):
        n_lags = int(TEMPO_SECONDS * self.sr) // self.hop_length
        tempogram = _rhythm.tempogram(self.onset_strength[0], win_length=n_lags)
        return _rhythm.tempo(tempogram, sr=self.sr, hop_length=self.hop_length)


def _delta(values, order):
    """Return the slope, or the curvature, of values in time, as `librosa.feature.delta`."""
    return scipy.signal.savgol_filter(values, DELTA_FRAMES, order, deriv=order)


def describe_segments(segments, *, features, statistics, **settings):
    """Return statistics of the features of waveforms, (n_segments, n_descriptors, 1)."""
    rows = [_describe(SegmentFeatures(y, **settings), features, statistics) for y in segments]
    return np.stack(rows).astype(np.float32)[..., np.newaxis]


def _describe(segment, features, statistics):
    return np.concatenate(
        [
            segment.tempo if name == "tempo" else summarize(getattr(segment, name), statistics, -1)
            for name in features
        ]
    )
