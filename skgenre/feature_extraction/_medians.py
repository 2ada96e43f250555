"""Harmonic and percussive energy: running medians over time and over frequency."""

import numpy as np

from .._numba import compiled

# The width of librosa's median filters, in frames and in bins.
_WIDTH = 31
# Columns that are filtered at a time: their sorted windows stay in the first-level cache.
_LANES = 64
# Below this, librosa gives half of a bin to either part.
_TINY = np.finfo(np.float32).tiny


@compiled
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
    n_rows, n_columns = rows.shape
    medians = np.empty_like(rows)
    window = np.empty((_WIDTH + 1, _LANES), dtype=np.float32)
    below = np.empty(_LANES, dtype=np.float32)
    oldest = np.empty(_LANES, dtype=np.float32)
    newest = np.empty(_LANES, dtype=np.float32)
    for first in range(0, n_columns, _LANES):
        n_lanes = min(_LANES, n_columns - first)
        window[:] = np.inf
        oldest[:] = np.inf
        newest[:] = 0
        for step in range(n_rows + _WIDTH - 1):
            row = _reflected(step - _WIDTH // 2, n_rows)
            newest[:n_lanes] = rows[row, first : first + n_lanes]
            if step >= _WIDTH:
                row = _reflected(step - _WIDTH - _WIDTH // 2, n_rows)
                oldest[:n_lanes] = rows[row, first : first + n_lanes]
            below[:] = -np.inf
            for rank in range(_WIDTH):
                for lane in range(_LANES):
                    here = window[rank, lane]
                    above = window[rank + 1, lane]
                    kept = here if here < oldest[lane] else above
                    larger = newest[lane] if below[lane] < newest[lane] else below[lane]
                    window[rank, lane] = larger if larger < kept else kept
                    below[lane] = kept
            if step >= _WIDTH - 1:
                row = step - _WIDTH + 1
                medians[row, first : first + n_lanes] = window[_WIDTH // 2, :n_lanes]
    return medians


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
    return _masked_rms(magnitudes, harmonic, np.ascontiguousarray(percussive), n_fft)


@compiled
def _masked_rms(magnitudes, harmonic, percussive, n_fft):
    n_frames, n_bins = magnitudes.shape
    rms = np.empty((2, n_frames))
    for frame in range(n_frames):
        energies = np.zeros(2)
        for k in range(n_bins):
            magnitude, h, p = magnitudes[frame, k], harmonic[frame, k], percussive[frame, k]
            larger = max(h, p)
            share = np.float32(0.5)
            if larger >= _TINY:
                h, p = (h / larger) ** 2, (p / larger) ** 2
                share = h / (h + p)
            unpaired = k == 0 or 2 * k == n_fft
            power = (0.5 if unpaired else 1.0) * magnitude**2
            energies[0] += power * share**2
            energies[1] += power * (1 - share) ** 2
        rms[:, frame] = np.sqrt(2 * energies) / n_fft
    return rms
