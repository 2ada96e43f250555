"""Harmonic and percussive energy: running medians over time and over frequency."""

import numpy as np

from .._numba import compiled

# The width of librosa's median filters, in frames and in bins.
_WIDTH = 31
# Columns that are filtered at a time: their sorted windows stay in the first-level cache.
_LANES = 64
# Below this, librosa gives half of a bin to either part.
_TINY = np.finfo(np.float32).tiny


def running_median(rows):
    """Return the median of 31 rows around each row, reflected at the borders.

    Equal to ``scipy.ndimage.median_filter(rows, (31, 1), mode="reflect")``. Every column keeps its
    window sorted; all columns of a block take out the oldest value and put in the newest one in
    step, without a branch, which compiles to vector instructions.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns), dtype float32
        Without NaN.

    Returns
    -------
    medians : ndarray of shape (n_rows, n_columns), dtype float32
        The medians down the columns.
    """
    medians = np.empty_like(rows)
    _fill_medians(rows, medians)
    return medians


@compiled
def _fill_medians(rows, medians):
    n_rows, n_columns = rows.shape
    # sorted windows, and rows of what is moved up, taken out and put in: one array of constant
    # shape, in which the compiler sees that rows do not overlap
    work = np.empty((_WIDTH + 4, _LANES), np.float32)
    below, oldest, newest = _WIDTH + 1, _WIDTH + 2, _WIDTH + 3
    for first in range(0, n_columns, _LANES):
        n_lanes = min(_LANES, n_columns - first)
        for lane in range(_LANES):
            work[oldest, lane], work[newest, lane] = np.inf, 0
            for rank in range(_WIDTH + 1):
                work[rank, lane] = np.inf
        for step in range(n_rows + _WIDTH - 1):
            row = _reflected(step - _WIDTH // 2, n_rows)
            for lane in range(n_lanes):
                work[newest, lane] = rows[row, first + lane]
            if step >= _WIDTH:
                row = _reflected(step - _WIDTH - _WIDTH // 2, n_rows)
                for lane in range(n_lanes):
                    work[oldest, lane] = rows[row, first + lane]
            for lane in range(_LANES):
                work[below, lane] = -np.inf
            for rank in range(_WIDTH):
                for lane in range(_LANES):
                    here, above, lower = work[rank, lane], work[rank + 1, lane], work[below, lane]
                    kept = here if here < work[oldest, lane] else above
                    larger = work[newest, lane] if lower < work[newest, lane] else lower
                    work[rank, lane] = larger if larger < kept else kept
                    work[below, lane] = kept
            if step >= _WIDTH - 1:
                row = step - _WIDTH + 1
                for lane in range(n_lanes):
                    medians[row, first + lane] = work[_WIDTH // 2, lane]


@compiled
def _reflected(index, n):
    index %= 2 * n
    return index if index < n else 2 * n - 1 - index


def harmonic_percussive_rms(magnitudes, n_fft):
    """Return the root mean square of the harmonic and of the percussive part of each frame.

    Parameters
    ----------
    magnitudes : ndarray of shape (n_frames, n_bins), dtype float32
        Magnitude spectra.
    n_fft : int
        Length of a frame, in samples.

    Returns
    -------
    rms : ndarray of shape (2, n_frames), dtype float64
        `librosa.feature.rms` of the two parts that `librosa.decompose.hpss` gives.
    """
    harmonic = running_median(magnitudes)
    percussive = running_median(np.ascontiguousarray(magnitudes.T)).T
    rms = np.empty((2, len(magnitudes)))
    _fill_masked_rms(magnitudes, harmonic, np.ascontiguousarray(percussive), n_fft, rms)
    return rms


@compiled
def _fill_masked_rms(magnitudes, harmonic, percussive, n_fft, rms):
    n_frames, n_bins = magnitudes.shape
    for frame in range(n_frames):
        harmonic_energy, percussive_energy = 0.0, 0.0
        for k in range(n_bins):
            magnitude, h, p = magnitudes[frame, k], harmonic[frame, k], percussive[frame, k]
            larger = h if h > p else p
            share = np.float32(0.5)
            if larger >= _TINY:
                h, p = h / larger, p / larger
                h, p = h * h, p * p
                share = h / (h + p)
            unpaired = k == 0 or 2 * k == n_fft
            power = (0.5 if unpaired else 1.0) * (magnitude * magnitude)
            harmonic_energy += power * (share * share)
            percussive_energy += power * ((1 - share) * (1 - share))
        rms[0, frame] = np.sqrt(2 * harmonic_energy) / n_fft
        rms[1, frame] = np.sqrt(2 * percussive_energy) / n_fft
