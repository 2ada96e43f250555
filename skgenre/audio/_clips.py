import os
from collections.abc import Iterator, Mapping, Set

import numpy as np
import soxr
from scipy.sparse import issparse
from sklearn_compat.utils.validation import validate_data

from .._base import forget_table
from ._errors import AudioError
from ._load import load_audio, read_blocks


def validate_clips(estimator, X, *, reset, allow_nan=False):
    """Check the clips given to an estimator and return them as a sequence.

    Parameters
    ----------
    estimator : estimator
        On a table of waveforms, its ``n_features_in_`` is set or checked.
    X : sequence of paths, array of shape (n_clips, n_samples) or list of 1-D waveforms
        The clips.
    reset : bool
        Whether this is a fit.
    allow_nan : bool, default=False
        Let NaN through in waveforms.

    Returns
    -------
    clips : list of paths, list of ndarray or ndarray of shape (n_clips, n_samples)
        Each element is what `read_clip` takes.
    """
    if _is_path(X):
        raise ValueError(f"Expected a sequence of paths, got the single path {X!r}; pass [path]")
    if isinstance(X, Mapping | Set | Iterator) and not issparse(X):
        raise ValueError(f"Expected a sequence of clips, got a {type(X).__name__}")
    if getattr(X, "ndim", 1) == 2 and not issparse(X) and _holds_paths(np.asarray(X[:1])):
        raise ValueError(
            "Expected a 1-D sequence of paths, got a table of them; select the column of paths"
        )
    if getattr(X, "ndim", 1) == 1 and hasattr(X, "__iter__") and _are_separate(X, clips := list(X)):
        if reset:
            forget_table(estimator)
        return [_validate_clip(clip, i, allow_nan) for i, clip in enumerate(clips)]
    return validate_data(
        estimator,
        X,
        reset=reset,
        dtype=np.float32,
        ensure_all_finite="allow-nan" if allow_nan else True,
    )


def keep_apart(X):
    """Return waveforms so that a part of them, of one length by chance, is no table."""
    if not isinstance(X, list | tuple) or not _are_separate(X, X) or any(map(_is_path, X)):
        return X
    clips = np.empty(len(X), dtype=object)
    clips[:] = X
    return clips


def read_clip(clip, *, sr, duration, timeout=None):
    """Return a clip as a waveform at ``sr``, at most ``duration`` seconds of it."""
    if not isinstance(clip, np.ndarray):
        return load_audio(clip, sr=sr, duration=duration, timeout=timeout)
    if not len(clip):
        raise AudioError({"": "no samples"})
    if np.isnan(clip).any():
        raise AudioError({"": "NaN samples"})
    return clip if duration is None else clip[: round(duration * sr)]


def read_clip_blocks(clip, *, sr, n_samples):
    """Yield a clip of any length in blocks of ``n_samples`` at ``sr``; the last may be shorter."""
    if isinstance(clip, np.ndarray):
        y = read_clip(clip, sr=sr, duration=None)
        for start in range(0, len(y), n_samples):
            yield y[start : start + n_samples]
    else:
        yield from read_blocks(clip, sr=sr, block_duration=n_samples / sr)


def at_rate(clip, sr, new_sr):
    """Return a waveform at another sample rate; a path as it is."""
    if not isinstance(clip, np.ndarray) or sr == new_sr:
        return clip
    resampled = soxr.resample(clip, sr, new_sr, quality="HQ")
    return resampled if len(resampled) else clip[:1]


def fit_length(y, n_samples):
    """Crop a waveform, or repeat it from its start, to ``n_samples``."""
    return np.resize(y, n_samples) if len(y) < n_samples else y[:n_samples]


def clip_name(clip, index):
    """Name a clip in a message: its path, or its place among the clips."""
    return os.fsdecode(clip) if _is_path(clip) else f"clip {index}"


def _is_path(clip):
    return isinstance(clip, str | bytes | os.PathLike)


def _holds_paths(table):
    return table.dtype.kind not in "biufc" and any(map(_is_path, table.flat))


def _are_separate(X, clips):
    """Tell paths and waveforms of their own lengths from a table that is given as rows."""
    if any(clip is None or _is_path(clip) for clip in clips):
        return True
    if not clips or any(np.ndim(clip) != 1 for clip in clips):
        return False
    return not isinstance(X, list | tuple) or len({len(clip) for clip in clips}) > 1


def _validate_clip(clip, index, allow_nan):
    """Check a waveform; what is neither that nor a path is left to fail when it is read."""
    if np.ndim(clip) != 1:
        return clip
    y = np.asarray(clip, dtype=np.float32)
    if np.isinf(y).any() or (np.isnan(y).any() and not allow_nan):
        raise ValueError(f"clip {index} contains NaN or infinity")
    return y
