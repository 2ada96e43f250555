"""Mel power spectra in one compiled loop: window, Fourier transform, power and mel filters.

A block of neighbouring frames goes through all steps while it is in the processor's cache. The
innermost loop of every step runs over the frames of the block, the *lanes*, which lie side by side
in memory, so that the processor's vector instructions work on many frames at once and never within
one.

The transform is the textbook one [1]_: a real frame of ``n_fft`` samples is taken as ``n_fft / 2``
complex numbers (even samples real, odd ones imaginary), put in bit-reversed order as it is loaded,
transformed in place by radix-4 butterflies, and its spectrum is untangled at the end.

References
----------
.. [1] W. H. Press et al., "Numerical Recipes", 3rd ed., sections 12.2 and 12.3, 2007.
"""

import numpy as np

from .._numba import compiled

# Frames of a block. As a constant it lets the compiler see that the rows of the butterflies do not
# overlap. 32 take a third longer, and more gain little and leave the second-level cache.
_LANES = 64
# Bins of the spectrum that a filter sums at a time.
_BINS = 4


class FusedMelPower:
    """Mel power spectra of waveforms, for an ``n_fft`` that is a power of two and at least 4.

    Parameters
    ----------
    window : ndarray of shape (n_fft,)
        The window. Its dtype, float32 or float64, is the one of the computation.
    hop_length : int
        Samples from one frame to the next.
    filters : ndarray of shape (n_mels, n_fft // 2 + 1)
        The mel filters.
    """

    def __init__(self, window, hop_length, filters):
        n_fft, dtype = len(window), window.dtype
        half = n_fft // 2
        self.hop_length = hop_length
        self._n_mels = len(filters)
        order = np.stack([2 * _bit_reversed(half), 2 * _bit_reversed(half) + 1], axis=1)
        # of each sample of a frame: how many hops after the first, and its place in that hop
        self._hops, self._places = np.divmod(order, hop_length)
        n_bins, n_hops = half + _BINS, int(self._hops.max()) + 1
        self._work_shapes = [
            (hop_length, _LANES + n_hops - 1),
            (half, 2 * _LANES),
            (n_bins, _LANES),
            (_LANES,),
        ]
        # Halved, because untangling adds pairs of numbers where it should average them.
        self._window = window[order] / dtype.type(2)
        self._roots = _unit_roots(half, half, dtype)
        self._half_roots = _unit_roots(half, n_fft, dtype)
        self._bins, self._weights = _pack_filters(filters, dtype)

    def __call__(self, waveforms, n_frames):
        """Return (n, n_mels, n_frames) for (n, n_samples), a whole number of hops each."""
        n = len(waveforms)
        # All waveforms are one row of hops. Frames that reach from one into the next are left out.
        hops = waveforms.reshape(-1, self.hop_length)
        mel = np.empty((self._n_mels, len(hops)), dtype=self._window.dtype)
        # made here, since compiling what makes arrays takes seconds
        work = [np.zeros(shape, dtype=mel.dtype) for shape in self._work_shapes]
        _mel_power(
            hops,
            self._hops,
            self._places,
            self._window,
            self._roots,
            self._half_roots,
            self._bins,
            self._weights,
            *work,
            mel,
        )
        return mel.reshape(self._n_mels, n, -1)[:, :, :n_frames].swapaxes(0, 1)


def _bit_reversed(n):
    """Return the numbers below ``n``, a power of two, in the order of their reversed bits."""
    order = np.zeros(1, dtype=np.intp)
    while len(order) < n:
        order = np.concatenate([2 * order, 2 * order + 1])
    return order


def _unit_roots(count, n, dtype):
    """Return the real and imaginary parts, (2, count), of the powers of the n-th root of unity."""
    angles = -2 * np.pi * np.arange(count) / n
    return np.stack([np.cos(angles), np.sin(angles)]).astype(dtype)


def _pack_filters(filters, dtype):
    """Return first and last bin of each filter, (n_mels, 2), and the weights between, in a row.

    Filters are widened by zeros to a multiple of four bins, which are summed at a time.
    """
    bins = np.zeros((len(filters), 2), dtype=np.intp)
    weights = [np.zeros(0)]
    for band, weight in enumerate(filters):
        used = np.flatnonzero(weight)
        if len(used):
            start, n_used = used[0], used[-1] + 1 - used[0]
            width = -(-n_used // _BINS) * _BINS
            bins[band] = start, start + width
            weights.append(np.pad(weight[start : start + n_used], (0, width - n_used)))
    return bins, np.concatenate(weights).astype(dtype)


@compiled
def _mel_power(
    hops, hop_of, place_of, window, roots, half_roots, bins, weights, columns, z, power, band, mel
):
    half = len(window)
    n_bits = 0
    while 1 << n_bits < half:
        n_bits += 1
    for first in range(0, len(hops), _LANES):
        _transpose(hops[first : first + columns.shape[1]], columns)
        _load(columns, hop_of, place_of, window, z)
        done = 1
        if n_bits % 2:
            _pair_butterflies(z)
            done = 2
        while done < half:
            _butterflies(z, done, roots)
            done *= 4
        _untangle(z, half_roots, power)
        _apply_filters(power, bins, weights, band, mel[:, first : first + _LANES])


@compiled
def _transpose(rows, columns):
    """Copy rows to columns, tile by tile to stay within the cache's lines."""
    tile = 16
    n_rows, width = rows.shape
    for top in range(0, n_rows, tile):
        for left in range(0, width, tile):
            for j in range(left, min(left + tile, width)):
                for i in range(top, min(top + tile, n_rows)):
                    columns[j, i] = rows[i, j]


@compiled
def _load(columns, hop_of, place_of, window, z):
    """Fill z with windowed frames in bit-reversed order, the real parts before the imaginary."""
    lanes = z.shape[1] // 2
    for row in range(len(z)):
        first, second = hop_of[row, 0], hop_of[row, 1]
        even = columns[place_of[row, 0], first : first + lanes]
        odd = columns[place_of[row, 1], second : second + lanes]
        of_even, of_odd = window[row, 0], window[row, 1]
        real, imaginary = z[row, :lanes], z[row, lanes:]
        for lane in range(len(real)):
            real[lane] = even[lane] * of_even
            imaginary[lane] = odd[lane] * of_odd


@compiled
def _pair_butterflies(z):
    """Join single numbers to transforms of length 2."""
    for row in range(0, len(z), 2):
        a, b = z[row], z[row + 1]
        for lane in range(2 * _LANES):
            a[lane], b[lane] = a[lane] + b[lane], a[lane] - b[lane]


@compiled
def _butterflies(z, done, roots):
    """Join each four transforms of length ``done`` to one."""
    step = len(z) // (4 * done)
    for first in range(0, len(z), 4 * done):
        for k in range(done):
            br, bi = roots[0, 2 * k * step], roots[1, 2 * k * step]
            cr, ci = roots[0, k * step], roots[1, k * step]
            dr, di = roots[0, 3 * k * step], roots[1, 3 * k * step]
            row = first + k
            a, b, c, d = z[row], z[row + done], z[row + 2 * done], z[row + 3 * done]
            for i in range(_LANES):
                j = _LANES + i
                ur, ui = a[i], a[j]
                vr, vi = b[i] * br - b[j] * bi, b[i] * bi + b[j] * br
                wr, wi = c[i] * cr - c[j] * ci, c[i] * ci + c[j] * cr
                xr, xi = d[i] * dr - d[j] * di, d[i] * di + d[j] * dr
                ur, ui, vr, vi = ur + vr, ui + vi, ur - vr, ui - vi
                wr, wi, xr, xi = wr + xr, wi + xi, wr - xr, wi - xi
                a[i], a[j] = ur + wr, ui + wi
                b[i], b[j] = vr + xi, vi - xr
                c[i], c[j] = ur - wr, ui - wi
                d[i], d[j] = vr - xi, vi + xr


@compiled
def _untangle(z, half_roots, power):
    """Turn the transform of the tangled frame into the power of the real frame's spectrum."""
    half = len(z)
    for i in range(_LANES):
        lowest, highest = z[0, i] + z[0, _LANES + i], z[0, i] - z[0, _LANES + i]
        power[0, i] = (lowest + lowest) ** 2
        power[half, i] = (highest + highest) ** 2
    for k in range(1, half // 2 + 1):
        cr, ci = half_roots[0, k], half_roots[1, k]
        u, v = z[k], z[half - k]
        low, high = power[k], power[half - k]
        for i in range(_LANES):
            j = _LANES + i
            even_r, even_i = u[i] + v[i], u[j] - v[j]
            odd_r, odd_i = u[j] + v[j], v[i] - u[i]
            odd_r, odd_i = odd_r * cr - odd_i * ci, odd_r * ci + odd_i * cr
            low[i] = (even_r + odd_r) ** 2 + (even_i + odd_i) ** 2
            high[i] = (even_r - odd_r) ** 2 + (even_i - odd_i) ** 2


@compiled
def _apply_filters(power, bins, weights, band, mel):
    used = 0
    for b in range(len(mel)):
        band[:] = 0
        for k in range(bins[b, 0], bins[b, 1], _BINS):
            p, q, r, s = power[k], power[k + 1], power[k + 2], power[k + 3]
            wp, wq = weights[used], weights[used + 1]
            wr, ws = weights[used + 2], weights[used + 3]
            used += _BINS
            for lane in range(len(band)):
                band[lane] += p[lane] * wp + q[lane] * wq + (r[lane] * wr + s[lane] * ws)
        for lane in range(mel.shape[1]):
            mel[b, lane] = band[lane]
