"""Features of frames from one shared spectrum, each equal to librosa's of the same name."""

from functools import lru_cache
from itertools import pairwise

import librosa
import numpy as np
import scipy.fft

from .._numba import compiled
from ._librosa_defaults import CONTRAST_BANDS, CONTRAST_FMIN
from ._mel_filters import frame_window
from ._spectrum import banded_mel_filters

# Range of the pitches that librosa estimates the tuning from, in Hz, and how high their peaks are.
_TUNING_RANGE = (150.0, 4000.0)
_TUNING_THRESHOLD = 0.1
# The share of bins that are peak and valley in the spectral contrast.
_CONTRAST_QUANTILE = 0.02
_ROLL_PERCENT = np.float32(0.85)
# What librosa takes for silence in a sum of magnitudes, in a power, and in a sample.
_TINY = np.finfo(np.float32).tiny
_AMIN = np.float32(1e-10)
_SILENT_SAMPLE = 1e-10


def mel_power(power, *, sr, n_fft, n_mels):
    """Return a mel spectrogram (n_mels, n_frames) of power spectra (n_frames, n_bins)."""
    mel = np.empty((n_mels, len(power)), dtype=np.float32)
    products = banded_mel_filters(
        sr=sr,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=0.0,
        fmax=None,
        htk=False,
        norm="slaney",
        dtype=np.dtype(np.float32),
    )
    for bands, bins, filters in products:
        mel[bands] = filters @ power[:, bins].T
    return mel


@compiled
def spectral_shape(magnitudes, frequencies):
    """Return centroid, bandwidth and rolloff, (3, n_frames), in Hz."""
    n_frames, n_bins = magnitudes.shape
    shape = np.empty((3, n_frames))
    for frame in range(n_frames):
        spectrum = magnitudes[frame]
        total, weighted, running = 0.0, 0.0, np.float32(0)
        for k in range(n_bins):
            total += spectrum[k]
            weighted += spectrum[k] * frequencies[k]
            running += spectrum[k]
        total = total if total >= _TINY else 1.0
        centroid = weighted / total
        spread = 0.0
        for k in range(n_bins):
            spread += spectrum[k] * (frequencies[k] - centroid) ** 2
        threshold = _ROLL_PERCENT * running
        k, running = 0, spectrum[0]
        while running < threshold:
            k += 1
            running += spectrum[k]
        shape[:, frame] = centroid, np.sqrt(spread / total), frequencies[k]
    return shape


def spectral_flatness(power):
    """Return the ratio of geometric and arithmetic mean of power spectra, (1, n_frames)."""
    power = np.maximum(power, _AMIN)
    geometric = np.exp(np.mean(np.log(power), axis=1))
    return (geometric / power.mean(axis=1))[np.newaxis]


def spectral_contrast(magnitudes, frequencies):
    """Return the difference of peaks and valleys in octaves, (n_bands + 1, n_frames), in dB."""
    octaves = [0.0, *(CONTRAST_FMIN * 2.0 ** np.arange(CONTRAST_BANDS + 1))]
    starts, stops, counts = [], [], []
    for band, (low, high) in enumerate(pairwise(octaves)):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        is_last = band == CONTRAST_BANDS
        start = inside[0] - (band > 0)
        stop = len(frequencies) if is_last else inside[-1] + 1
        counts.append(max(1, round(_CONTRAST_QUANTILE * (stop - start))))
        starts.append(start)
        stops.append(stop if is_last else stop - 1)
    valleys, peaks = _extremes(magnitudes, np.array(starts), np.array(stops), np.array(counts))
    return librosa.power_to_db(peaks) - librosa.power_to_db(valleys)


@compiled
def _extremes(magnitudes, starts, stops, counts):
    """Return the means of the smallest and of the largest magnitudes in each band."""
    n_frames, n_bands = len(magnitudes), len(starts)
    valleys, peaks = np.empty((n_bands, n_frames)), np.empty((n_bands, n_frames))
    for frame in range(n_frames):
        for band in range(n_bands):
            values = magnitudes[frame, starts[band] : stops[band]]
            count = min(counts[band], len(values))
            smallest, largest = np.sort(values[:count]), np.sort(values[:count])
            for value in values[count:]:
                if value < smallest[-1]:
                    place = count - 1
                    while place and smallest[place - 1] > value:
                        smallest[place] = smallest[place - 1]
                        place -= 1
                    smallest[place] = value
                if value > largest[0]:
                    place = 0
                    while place < count - 1 and largest[place + 1] < value:
                        largest[place] = largest[place + 1]
                        place += 1
                    largest[place] = value
            valleys[band, frame], peaks[band, frame] = smallest.mean(), largest.mean()
    return valleys, peaks


def chroma_stft(power, *, sr, n_fft):
    """Return the energy of the pitch classes, (12, n_frames), of which the largest is 1."""
    filters = _chroma_filters(sr=sr, n_fft=n_fft, tuning=_tuning(power, sr=sr, n_fft=n_fft))
    return librosa.util.normalize(filters @ power.T, axis=0)


@lru_cache(maxsize=128)
def _chroma_filters(**settings):
    return librosa.filters.chroma(**settings)


def _tuning(spectra, *, sr, n_fft):
    """Estimate the deviation from 440 Hz in semitones, as `librosa.estimate_tuning`."""
    low, high = np.searchsorted(librosa.fft_frequencies(sr=sr, n_fft=n_fft), _TUNING_RANGE)
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
    return librosa.pitch_tuning(pitches[heights >= np.median(heights)])


def zero_crossing_rate(y, *, frame_length, hop_length):
    """Return the share of samples in each frame that change sign, (1, n_frames)."""
    padded = np.pad(y, frame_length // 2, mode="edge")
    negative = padded < -_SILENT_SAMPLE
    crossings = np.cumsum(negative[1:] != negative[:-1])
    crossings = np.concatenate([[0], crossings])
    first = np.arange(0, len(padded) - frame_length + 1, hop_length)
    within = crossings[first + frame_length - 1] - crossings[first]
    return within[np.newaxis] / frame_length


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
    return librosa.util.normalize(correlation, axis=1).T
