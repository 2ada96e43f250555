"""Statistics of features over time, by name."""

from collections.abc import Callable

import numpy as np


def _standardized_moment(values, order, axis, normal=0):
    """Return a standardised moment less that of a normal distribution; 0 if nothing varies."""
    values = np.asarray(values, dtype=np.float64)
    mean = values.mean(axis=axis, keepdims=True)
    centred = values - mean
    deviation = np.sqrt(np.mean(centred**2, axis=axis, keepdims=True))
    constant = deviation <= np.finfo(np.float32).eps * np.abs(mean)
    centred /= np.where(constant, 1, deviation)
    return np.where(constant, 0, centred**order - normal).mean(axis=axis)


def _skew(values, axis):
    return _standardized_moment(values, 3, axis)


def _kurtosis(values, axis):
    return _standardized_moment(values, 4, axis, normal=3)


STATISTICS: dict[str, Callable] = {
    "mean": np.mean,
    "std": np.std,
    "var": np.var,
    "min": np.min,
    "max": np.max,
    "median": np.median,
    "skew": _skew,
    "kurtosis": _kurtosis,
}


def check_statistics(statistics):
    """Refuse names that are no statistics, names that come twice, and none at all."""
    check_choice("statistics", statistics, STATISTICS)


def check_choice(parameter, names, choices):
    """Refuse all but some names of the choices, each once."""
    unknown = [name for name in names if not isinstance(name, str) or name not in choices]
    if unknown:
        raise ValueError(f"{parameter} {unknown} are unknown; choose from {sorted(choices)}")
    if not len(names) or len(set(names)) < len(names):
        raise ValueError(f"{parameter} must be some of {sorted(choices)}, each once, got {names!r}")


def summarize_frames(frames, statistics):
    """Return statistics over the frames of segments as bags of one frame hold them, in float32.

    ``frames`` are (n_segments, n_frames, n_values), and what comes of them is
    (n_segments, n_statistics * n_values, 1).
    """
    features = summarize(frames.transpose(2, 0, 1), statistics, axis=2).T
    return np.ascontiguousarray(features[..., np.newaxis], dtype=np.float32)


def summarize(values, statistics, axis):
    """Return all bands of the first statistic over ``axis``, then of the second, and so on."""
    return np.concatenate([STATISTICS[name](values, axis=axis) for name in statistics])
