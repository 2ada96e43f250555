"""Features of frames from one shared spectrum, each equal to librosa's of the same name."""

from itertools import pairwise

import numpy as np

from .._numba import compiled
from ._levels import power_to_db
from ._librosa_defaults import CONTRAST_BANDS, CONTRAST_FMIN
from ._spectrum import banded_mel_filters

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


def spectral_shape(magnitudes, frequencies):
    """Return centroid, bandwidth and rolloff, (3, n_frames), in Hz."""
    shape = np.empty((3, len(magnitudes)))
    _fill_shape(magnitudes, frequencies, shape)
    return shape


@compiled
def _fill_shape(magnitudes, frequencies, shape):
    n_frames, n_bins = magnitudes.shape
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
        shape[0, frame] = centroid
        shape[1, frame] = np.sqrt(spread / total)
        shape[2, frame] = frequencies[k]


def spectral_flatness(power):
    """Return the ratio of geometric and arithmetic mean of power spectra, (1, n_frames)."""
    power = np.maximum(power, _AMIN)
    geometric = np.exp(np.mean(np.log(power), axis=1))
    return (geometric / power.mean(axis=1))[np.newaxis]


def spectral_contrast(magnitudes, frequencies):
    """Return the difference of peaks and valleys in octaves, (n_bands + 1, n_frames), in dB."""
    octaves = [0.0, *(CONTRAST_FMIN * 2.0 ** np.arange(CONTRAST_BANDS + 1))]
    starts, stops, wanted = [], [], []
    for band, (low, high) in enumerate(pairwise(octaves)):
        inside = np.flatnonzero((frequencies >= low) & (frequencies <= high))
        is_last = band == CONTRAST_BANDS
        start = inside[0] - (band > 0)
        stop = len(frequencies) if is_last else inside[-1] + 1
        wanted.append(max(1, round(_CONTRAST_QUANTILE * (stop - start))))
        starts.append(start)
        stops.append(stop if is_last else stop - 1)
    counts = np.minimum(wanted, np.subtract(stops, starts))
    valleys, peaks = np.empty((2, len(counts), len(magnitudes)))
    sorted_ends = np.empty((2, counts.max()), dtype=magnitudes.dtype)
    _fill_extremes(
        magnitudes, np.array(starts), np.array(stops), counts, *sorted_ends, valleys, peaks
    )
    return power_to_db(peaks) - power_to_db(valleys)


@compiled
def _fill_extremes(magnitudes, starts, stops, counts, smallest, largest, valleys, peaks):
    """Compute the means of the smallest and of the largest magnitudes in each band."""
    for frame in range(len(magnitudes)):
        for band in range(len(starts)):
            count = counts[band]
            for place in range(count):
                smallest[place], largest[place] = np.inf, -np.inf
            for k in range(starts[band], stops[band]):
                value = magnitudes[frame, k]
                if value < smallest[count - 1]:
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
            low, high = np.float32(0), np.float32(0)
            for place in range(count):
                low += smallest[place]
                high += largest[place]
            valleys[band, frame] = np.float32(low / count)
            peaks[band, frame] = np.float32(high / count)


def rms(y, *, frame_length, hop_length):
    """Return the root mean square of each frame, (1, n_frames)."""
    padded = np.pad(y, frame_length // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame_length)[::hop_length].T
    return np.sqrt(np.mean(np.square(frames, dtype=np.float32), axis=0, keepdims=True))


def zero_crossing_rate(y, *, frame_length, hop_length):
    """Return the share of samples in each frame that change sign, (1, n_frames)."""
    padded = np.pad(y, frame_length // 2, mode="edge")
    negative = padded < -_SILENT_SAMPLE
    crossings = np.cumsum(negative[1:] != negative[:-1])
    crossings = np.concatenate([[0], crossings])
    first = np.arange(0, len(padded) - frame_length + 1, hop_length)
    within = crossings[first + frame_length - 1] - crossings[first]
    return within[np.newaxis] / frame_length
