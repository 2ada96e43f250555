"""The thirty numbers of G. Tzanetakis and P. Cook, 2002."""

import numpy as np
import scipy.fft
import scipy.signal

from ._frame_features import mel_power
from ._levels import power_to_db

_PAPER_RATE = 22050
# Lengths in samples at that rate; at others, the power of two that lasts about as long.
_ANALYSIS_WINDOW = 512
_BEAT_WINDOW = 65536
# Analysis windows in a texture window.
_TEXTURE_WINDOWS = 43
_ROLL_PERCENT = 0.85
_N_MELS = 40
_N_MFCC = 5
_OCTAVES = 5
_SMOOTHING = 0.99
_DOWNSAMPLING = 16
_BEATS_PER_MINUTE = np.arange(40, 201)
# Peaks of the beat histogram closer than this are one, in bpm.
_PEAK_DISTANCE = 5
_PITCH_RANGE = (50.0, 2000.0)
_CHANNEL_LIMITS = (70.0, 1000.0)
_COMPRESSION = 0.67
_N_PEAKS = 3
_STRETCHES = (2, 3, 4, 5)
_SILENCE = 1e-10
# The Daubechies filter of four taps, low-pass and high-pass.
_LOW_PASS = np.array([1 + 3**0.5, 3 + 3**0.5, 3 - 3**0.5, 1 - 3**0.5]) / 32**0.5
_HIGH_PASS = _LOW_PASS[::-1] * [1, -1, 1, -1]


TZANETAKIS_NAMES = (
    *(
        f"{name}_{moment}"
        for name in ("centroid", "rolloff", "flux", "zero_crossings")
        for moment in ("mean", "var")
    ),
    "low_energy",
    *(f"mfcc_{i}_{moment}" for i in range(1, 1 + _N_MFCC) for moment in ("mean", "var")),
    *(f"beat_{name}" for name in ("A0", "A1", "RA", "P1", "P2", "SUM")),
    *(f"pitch_{name}" for name in ("FA0", "UP0", "FP0", "IPO1", "SUM")),
)


def analysis_window(sr):
    """Return the length of an analysis window in samples: 23 ms, to the nearest power of two."""
    return _scaled(_ANALYSIS_WINDOW, sr)


def describe_as_tzanetakis(segments, *, sr):
    """Return the numbers, in the order of `TZANETAKIS_NAMES`, of (n_segments, n_samples)."""
    rows = [[*_texture(y, sr), *_beat(y, sr), *_pitch(y, sr)] for y in segments]
    return np.array(rows, dtype=np.float32)[..., np.newaxis]


def _scaled(length, sr):
    return 2 ** max(1, round(np.log2(length * sr / _PAPER_RATE)))


def _texture(y, sr):
    """Return the 19 numbers of the timbral texture, averaged over texture windows."""
    n = analysis_window(sr)
    frames = y[: len(y) // n * n].reshape(-1, n)
    spectra = np.abs(scipy.fft.rfft(frames * scipy.signal.get_window("hamming", n)))
    running = np.cumsum(spectra, axis=1)
    total = np.maximum(running[:, -1:], _SILENCE)
    frequencies = scipy.fft.rfftfreq(n, 1 / sr)
    norm = np.sqrt(np.sum(spectra**2, axis=1, keepdims=True))
    shapes = spectra / np.maximum(norm, _SILENCE)
    mel = mel_power(spectra**2, sr=sr, n_fft=n, n_mels=_N_MELS)
    mfcc = scipy.fft.dct(power_to_db(mel, top_db=None), axis=0, norm="ortho")
    features = np.column_stack(
        [
            spectra @ frequencies / total[:, 0],
            frequencies[np.argmax(running >= _ROLL_PERCENT * running[:, -1:], axis=1)],
            np.sum(np.diff(shapes, axis=0, prepend=shapes[:1]) ** 2, axis=1),
            np.sum(np.diff(frames > 0, axis=1), axis=1),
            mfcc[1 : 1 + _N_MFCC].T,
        ]
    )
    rms = np.sqrt(np.mean(frames**2, axis=1))
    width = min(_TEXTURE_WINDOWS, len(frames))
    n_windows = len(frames) // width
    windows = features[: n_windows * width].reshape(n_windows, width, -1)
    loudness = rms[: n_windows * width].reshape(n_windows, width)
    low_energy = np.mean(loudness < loudness.mean(axis=1, keepdims=True))
    moments = np.stack([windows.mean(axis=1), windows.var(axis=1)], axis=-1).mean(axis=0)
    return [*moments[:-_N_MFCC].flat, low_energy, *moments[-_N_MFCC:].flat]


def _beat(y, sr):
    """Return A0, A1, RA, P1, P2 and SUM of the beat histogram."""
    histogram = _beat_histogram(y, sr)
    total = histogram.sum()
    peaks, _ = scipy.signal.find_peaks(np.pad(histogram, 1), distance=_PEAK_DISTANCE)
    peaks = peaks[np.argsort(-histogram[peaks - 1], kind="stable")][:2] - 1
    amplitudes, periods = np.zeros(2), np.zeros(2)
    amplitudes[: len(peaks)] = histogram[peaks]
    periods[: len(peaks)] = _BEATS_PER_MINUTE[peaks]
    ratio = amplitudes[1] / amplitudes[0] if total else 0.0
    return [*(amplitudes / (total or 1.0)), ratio, *periods, total]


def _beat_histogram(y, sr):
    """Return the strength of each tempo of `_BEATS_PER_MINUTE`, per beat window."""
    envelope = _octave_envelope(y)
    rate = sr / _DOWNSAMPLING
    length = min(_scaled(_BEAT_WINDOW, sr) // _DOWNSAMPLING, len(envelope))
    windows = np.lib.stride_tricks.sliding_window_view(envelope, length)[:: max(1, length // 2)]
    energy = np.mean(np.sum(windows**2, axis=1))
    correlation = _autocorrelate(windows - windows.mean(axis=1, keepdims=True), 2.0)
    enhanced = _enhance(correlation / max(energy, _SILENCE))
    slowest, fastest = _BEATS_PER_MINUTE[[0, -1]]
    lags, heights = _highest_peaks(
        enhanced, 60 * rate / (fastest + 0.5), 60 * rate / (slowest - 0.5)
    )
    tempos = np.rint(60 * rate / lags).astype(int)
    inside = (tempos >= slowest) & (tempos <= fastest)
    histogram = np.bincount(tempos[inside] - slowest, heights[inside], len(_BEATS_PER_MINUTE))
    return histogram / len(windows)


def _octave_envelope(y):
    """Return the summed envelopes of octave bands, downsampled."""
    block = 2**_OCTAVES
    approximation = np.pad(y.astype(np.float64), (0, -len(y) % block))
    details = []
    for _ in range(_OCTAVES):
        approximation, detail = _split(approximation)
        details.append(detail)
    bands = [_join(detail, _HIGH_PASS, level) for level, detail in enumerate(details)]
    bands.append(_join(approximation, _LOW_PASS, _OCTAVES - 1))
    rectified = np.abs(bands).sum(axis=0)[: len(y)]
    smooth = scipy.signal.lfilter([1 - _SMOOTHING], [1, -_SMOOTHING], rectified)
    return smooth[::_DOWNSAMPLING]


def _split(x):
    """Return the low and the high half of a signal's band, of half the length (periodic)."""
    pairs = np.stack([x[::2], x[1::2], np.roll(x[::2], -1), np.roll(x[1::2], -1)])
    return _LOW_PASS @ pairs, _HIGH_PASS @ pairs


def _join(coefficients, taps, level):
    """Return what wavelet coefficients of a level stand for, at the full rate."""
    x = _unsplit(coefficients, taps)
    for _ in range(level):
        x = _unsplit(x, _LOW_PASS)
    return x


def _unsplit(coefficients, taps):
    delayed = np.roll(coefficients, 1)
    x = np.empty(2 * len(coefficients))
    x[::2] = taps[0] * coefficients + taps[2] * delayed
    x[1::2] = taps[1] * coefficients + taps[3] * delayed
    return x


def _pitch(y, sr):
    """Return FA0, UP0, FP0, IPO1 and SUM of the pitch histogram."""
    unfolded = _pitch_histogram(y, sr)
    total = unfolded.sum()
    if not total:
        return [0.0] * 5
    notes = np.arange(len(unfolded))
    folded = np.bincount(7 * notes % 12, unfolded, 12)
    first, second = np.argsort(-folded, kind="stable")[:2]
    interval = (second - first + 5) % 12 - 5 if folded[second] else 0
    return [folded[first] / total, unfolded.argmax(), first, interval, total]


def _pitch_histogram(y, sr):
    """Return the strength of each MIDI note, per analysis window."""
    n = analysis_window(sr)
    low, high = (frames.reshape(-1, n) for frames in _channels(y[: len(y) // n * n], sr))
    window = scipy.signal.get_window("hamming", n)
    correlation = _autocorrelate(low * window, _COMPRESSION)
    correlation += _autocorrelate(high * window, _COMPRESSION)
    slowest, fastest = _PITCH_RANGE
    strength = np.mean(correlation[:, 0])
    enhanced = _enhance(correlation / max(strength, _SILENCE))
    lags, heights = _highest_peaks(enhanced, sr / fastest, sr / slowest)
    notes = np.rint(12 * (np.log2(sr / lags) - np.log2(440.0)) + 69).astype(int)
    return np.bincount(notes, heights, 128) / len(low)


def _channels(y, sr):
    """Return the signal below 1 kHz, and the rectified signal above it, below 1 kHz again."""
    lowest, limit = _CHANNEL_LIMITS
    band = scipy.signal.butter(2, (lowest, limit), "band", fs=sr, output="sos")
    above = scipy.signal.butter(2, limit, "high", fs=sr, output="sos")
    rectified = np.maximum(scipy.signal.sosfilt(above, y), 0)
    return scipy.signal.sosfilt(band, y), scipy.signal.sosfilt(band, rectified)


def _autocorrelate(frames, exponent):
    """Return the inverse transform of powers of magnitudes, of the length of the frames."""
    n = frames.shape[1]
    n_fft = scipy.fft.next_fast_len(2 * n, real=True)
    return scipy.fft.irfft(np.abs(scipy.fft.rfft(frames, n_fft)) ** exponent, n_fft)[:, :n]


def _enhance(correlation):
    """Clip to positive, and take out what repeats a peak at multiples of its lag."""
    clipped = np.maximum(correlation, 0)
    enhanced = clipped.copy()
    for stretch in _STRETCHES:
        whole, part = np.divmod(np.arange(clipped.shape[1]), stretch)
        part = part / stretch
        stretched = (1 - part) * clipped[:, whole] + part * clipped[:, whole + (part > 0)]
        enhanced = np.maximum(enhanced - stretched, 0)
    return enhanced


def _highest_peaks(curves, shortest, longest):
    """Return lags and heights of the three highest peaks of each curve in a range of lags."""
    low = max(1, int(np.ceil(shortest)))
    high = max(low, min(int(longest) + 1, curves.shape[1] - 1))
    before, here, after = (curves[:, low + i : high + i] for i in (-1, 0, 1))
    heights = np.where((here > before) & (here >= after), here, 0)
    places = np.argsort(-heights, axis=1, kind="stable")[:, :_N_PEAKS]
    rows, ranks = np.nonzero(np.take_along_axis(heights, places, axis=1))
    places = places[rows, ranks]
    before, here, after = (part[rows, places] for part in (before, here, after))
    lags = low + places + 0.5 * (before - after) / (before - 2 * here + after)
    return lags, here
