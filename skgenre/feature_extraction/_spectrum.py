"""Spectra of frames: what every spectral feature comes from."""

from functools import lru_cache

import numpy as np
import scipy.fft

from ._mel_filters import frame_window, mel_filters

# What musicnn was trained on.
MUSICNN = {"sr": 16000, "n_fft": 512, "hop_length": 256, "n_mels": 96}
# Frames that are transformed at a time: their spectra stay in the second-level cache.
_BLOCK = 128
# Neighbouring mel bands that share one matrix product over the bins where any of them is not zero.
_BANDS_PER_PRODUCT = 16
# The power below which librosa rounds up before it takes decibels.
AMIN = 1e-10
# Below this range of power, or in shorter frames, whose spectra average less of it, the rounding of
# a float32 transform shows in the decibels.
_FLOAT32_RANGE_DB = 80.0
_FLOAT32_N_FFT = 1024


def count_frames(n_samples, *, n_fft, hop_length, center):
    """Return how many frames a waveform of ``n_samples`` has; below 1 if it is too short."""
    padding = 2 * (n_fft // 2) if center else 0
    return 1 + (n_samples + padding - n_fft) // hop_length


def float32_suffices(top_db, power, n_fft):
    """Tell whether decibels are right to the last digit where they are computed in float32."""
    return (
        top_db is not None and top_db * 2 / power <= _FLOAT32_RANGE_DB and n_fft >= _FLOAT32_N_FFT
    )


class MelPowerKernel:
    """Mel power spectra, equal to librosa's, several times faster.

    Frames are transformed in blocks that fit the processor's cache: in one compiled loop for power
    spectra of an ``n_fft`` that is a power of two, else by SciPy's transform and a few dense
    products that leave out the zeros of the filter bank.

    Parameters
    ----------
    sr, n_fft, hop_length, win_length, window, center, pad_mode, power
        As `librosa.feature.melspectrogram` takes them.
    n_mels, fmin, fmax, htk, norm
        As `librosa.filters.mel` takes them.
    dtype : numpy.dtype
        What to compute in.
    is_compiled : bool
        Take the compiled loop where it fits. The other way takes half as long again, but starts
        without numba, whose import takes longer than many minutes of music.
    """

    def __init__(
        self,
        *,
        sr,
        n_fft,
        hop_length,
        n_mels,
        win_length=None,
        window="hann",
        center=True,
        pad_mode="constant",
        power=2.0,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        dtype=np.float32,
        is_compiled=True,
    ):
        self._mel_power = _make_mel_power(
            frame_window(window, win_length or n_fft, n_fft).tobytes(),
            dtype=np.dtype(dtype),
            is_compiled=is_compiled,
            hop_length=hop_length,
            power=power,
            sr=sr,
            n_fft=n_fft,
            n_mels=n_mels,
            fmin=fmin,
            fmax=fmax,
            htk=htk,
            norm=norm,
        )
        self._dtype = dtype
        self._n_fft = n_fft
        self._hop_length = hop_length
        self._center = center
        self._pad_mode = pad_mode

    def __call__(self, waveforms):
        """Return (n, n_mels, n_frames) for waveforms (n, n_samples)."""
        n_frames = count_frames(
            waveforms.shape[1],
            n_fft=self._n_fft,
            hop_length=self._hop_length,
            center=self._center,
        )
        return self._mel_power(self._pad(waveforms), n_frames)

    def _pad(self, waveforms):
        """Pad for centred frames, and with zeros to a whole number of hops."""
        around = self._n_fft // 2 if self._center else 0
        after = -(waveforms.shape[1] + 2 * around) % self._hop_length
        if self._pad_mode != "constant":
            waveforms = np.pad(waveforms, ((0, 0), (around, around)), self._pad_mode)
            around = 0
        return np.pad(waveforms.astype(self._dtype), ((0, 0), (around, around + after)))


class MelKernel(MelPowerKernel):
    """Mel spectrograms in decibels, in float32 where the range of decibels allows it.

    Parameters
    ----------
    top_db
        As `librosa.power_to_db` takes it. ``None`` is computed in float64.
    **settings
        As `MelPowerKernel` takes them.
    """

    def __init__(self, *, n_fft, power, top_db, **settings):
        dtype = np.float32 if float32_suffices(top_db, power, n_fft) else np.float64
        super().__init__(n_fft=n_fft, power=power, dtype=dtype, **settings)
        self._top_db = top_db

    def __call__(self, waveforms):
        """Return (n, n_mels, n_frames) for waveforms (n, n_samples), each with its own maximum."""
        mel = np.maximum(super().__call__(waveforms), AMIN, order="C")
        np.log(mel, out=mel)
        mel *= 10 / np.log(10)
        if self._top_db is not None:
            np.maximum(mel, mel.max(axis=(1, 2), keepdims=True) - self._top_db, out=mel)
        return mel


class _MelPower:
    """Mel power spectra of waveforms, for any ``n_fft`` and exponent, by SciPy's transform."""

    def __init__(self, window, hop_length, products, *, n_mels, exponent):
        self._window = window
        self._hop_length = hop_length
        self._exponent = exponent
        self._n_mels = n_mels
        self._products = products

    def __call__(self, waveforms, n_frames):
        """Return (n, n_mels, n_frames) for waveforms (n, n_samples)."""
        mel = np.empty((len(waveforms), self._n_mels, n_frames), dtype=self._window.dtype)
        for y, y_mel in zip(waveforms, mel, strict=True):
            for columns, spectra in _spectra(y, self._window, self._hop_length, n_frames):
                parts = spectra.view(self._window.dtype)
                np.square(parts, out=parts)
                power = parts[:, ::2] + parts[:, 1::2]
                if self._exponent != 1:
                    power **= self._exponent
                for bands, bins, filters in self._products:
                    y_mel[bands, columns] = filters @ power[:, bins].T
        return mel


def magnitude_spectra(y, *, n_fft, hop_length):
    """Return magnitudes (n_frames, n_bins) as float32 of spectra that are computed in float64."""
    n_frames = count_frames(len(y), n_fft=n_fft, hop_length=hop_length, center=True)
    magnitudes = np.empty((n_frames, 1 + n_fft // 2), dtype=np.float32)
    window = frame_window("hann", n_fft, n_fft)
    for frames, spectra in _spectra(np.pad(y, n_fft // 2), window, hop_length, n_frames):
        np.abs(spectra.astype(np.complex64), out=magnitudes[frames])
    return magnitudes


def _spectra(y, window, hop_length, n_frames):
    """Yield the slices of blocks of frames and their spectra, (n_frames, n_bins)."""
    windows = np.lib.stride_tricks.sliding_window_view(y, len(window))[::hop_length]
    for first in range(0, n_frames, _BLOCK):
        frames = slice(first, min(first + _BLOCK, n_frames))
        yield frames, scipy.fft.rfft(windows[frames] * window, overwrite_x=True)


@lru_cache(maxsize=16)
def _make_mel_power(window, *, dtype, is_compiled, hop_length, power, **filter_settings):
    """Return the fastest function from waveforms to mel power that the settings allow."""
    window = np.frombuffer(window).astype(dtype)
    n_fft = len(window)
    if is_compiled and power == 2 and n_fft >= 4 and n_fft.bit_count() == 1:
        from ._fused import FusedMelPower  # imports numba

        return FusedMelPower(window, hop_length, mel_filters(**filter_settings))
    return _MelPower(
        window,
        hop_length,
        banded_mel_filters(dtype=dtype, **filter_settings),
        n_mels=filter_settings["n_mels"],
        exponent=power / 2,
    )


@lru_cache(maxsize=16)
def banded_mel_filters(*, dtype, **settings):
    """Cut librosa's mel filter bank into (bands, bins, dense part) that leave out its zeros."""
    filters = mel_filters(**settings)
    products = []
    for first in range(0, len(filters), _BANDS_PER_PRODUCT):
        bands = slice(first, first + _BANDS_PER_PRODUCT)
        used = np.flatnonzero(filters[bands].any(axis=0))
        bins = slice(used[0], used[-1] + 1) if len(used) else slice(0, 1)
        products.append((bands, bins, filters[bands, bins].astype(dtype)))
    return products
