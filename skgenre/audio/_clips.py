"""Clips as people give them: paths, waveforms, samples with their rate, tables of waveforms."""

import os
from collections.abc import Iterator, Mapping, Set
from numbers import Real

import numpy as np
import soxr
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite

from .._base import check_not_empty, forget_table
from .._sklearn import validate_data
from ._errors import AudioError
from ._load import load_audio, load_sound, read_blocks, read_sound_blocks
from ._sound import (
    MAX_BARE_CHANNELS,
    MAX_CHANNELS,
    Sound,
    check_type,
    order_channels,
    scale_samples,
)

# What is shorter is no clip, in seconds.
_SHORTEST = 0.02
# Tables of such rows that are let through all the same, as large as those of scikit-learn's checks.
_MAX_ROWS, _MAX_SAMPLES = 300, 30
_HUGGING_FACE = {"array", "sampling_rate"}


def validate_clips(estimator, X, *, sr, reset, allow_nan=False):
    """Check the clips given to an estimator and return them as a sequence.

    Parameters
    ----------
    estimator : estimator
        On a table of waveforms, its ``n_features_in_`` is set or checked.
    X : sequence of clips, or array of shape (n_clips, n_samples)
        The clips: paths, waveforms, arrays with channels, ``(waveform, rate)`` or
        ``{"array": waveform, "sampling_rate": rate}``. Integers are scaled by their type.
    sr : float
        The sample rate of waveforms that do not carry their own, in Hz.
    reset : bool
        Whether this is a fit.
    allow_nan : bool, default=False
        Let NaN through in waveforms.

    Returns
    -------
    clips : list of paths, ndarray and Sound, or ndarray of shape (n_clips, n_samples)
        Each element is what `read_clip` takes.

    Notes
    -----
    An array whose rows are shorter than 20 ms holds no clips. It is refused if it has more than 300
    rows or 30 columns; if not, its numbers are taken as they are, integers too, since
    scikit-learn's checks of estimators consist of such tables. A list of such waveforms is refused
    if there are more than 300.
    """
    if hasattr(X, "__array__") and not (hasattr(X, "iloc") or _is_path(X)):
        X = _as_array(X, "X")
    clips = _list_clips(X)
    if clips is None or _are_rows(X, clips):
        return _validate_table(estimator, X, sr, reset, allow_nan)
    if reset:
        forget_table(estimator)
    return [as_clip(clip, i, sr, allow_nan) for i, clip in enumerate(clips)]


def _list_clips(X):
    """Return X as a list, or None if it is a table, or say why it is neither."""
    if _is_path(X):
        raise ValueError(f"Expected a sequence of paths, got the single path {X!r}; pass [path]")
    if _is_pair(X) or (isinstance(X, Mapping) and X.keys() >= _HUGGING_FACE):
        raise ValueError(
            f"Expected a sequence of clips, got a single one, a {type(X).__name__} of samples and "
            "their rate; pass [clip]"
        )
    n_axes = getattr(X, "ndim", 1)
    if issparse(X) and n_axes == 2:
        return None
    if isinstance(X, Mapping | Set | Iterator) or n_axes == 0 or not hasattr(X, "__len__"):
        raise ValueError(f"Expected a sequence of clips, got a {type(X).__name__}")
    check_not_empty(X, "clip")
    if n_axes == 2:
        return None
    clips = list(X)
    if all(_is_number(clip) for clip in clips):
        raise ValueError(
            f"Expected a sequence of clips, got {len(clips)} numbers, as of a single waveform. "
            "Reshape your data to (1, n_samples), or pass [waveform]"
        )
    return clips


def _validate_table(estimator, X, sr, reset, allow_nan):
    """Return a table of waveforms as float32."""
    is_list = isinstance(X, list | tuple)
    if not is_list and not issparse(X):
        _check_cells(X)
    n_rows, n_samples = (len(X), len(X[0])) if is_list else X.shape
    is_short = is_too_short(n_samples, sr)
    if is_short and (n_rows > _MAX_ROWS or (n_samples > _MAX_SAMPLES and not is_list)):
        raise ValueError(
            f"X has {n_rows} rows of {n_samples} numbers, which are not clips at "
            f"sr={sr:g}: each would last {n_samples / sr * 1e3:.2g} ms. If X "
            "is one waveform with channels, did you mean [X]? If its columns are clips, X.T? "
            "Features of songs go into what follows this transformer"
        )
    if is_list:
        X = np.stack([as_clip(row, i, sr, allow_nan=True) for i, row in enumerate(X)])
    finite = "allow-nan" if allow_nan else True
    X = validate_data(estimator, X, reset=reset, dtype="numeric", ensure_all_finite=finite)
    if X.dtype.kind != "f" and not is_short:
        try:
            return scale_samples(X)
        except ValueError as error:
            raise ValueError(f"X {error}") from None
    waveforms = X.astype(np.float32, copy=False)
    if waveforms is not X:
        assert_all_finite(waveforms, allow_nan=allow_nan, input_name="X")
    return waveforms


def _check_cells(X):
    """Refuse a table whose cells are clips."""
    cells = np.asarray(X[:1])
    is_frame = hasattr(X, "columns")
    if cells.dtype.kind not in "biufc" and any(
        _is_path(cell) or _n_axes(cell) or (is_frame and not _is_number(cell))
        for cell in cells.flat
    ):
        raise ValueError(
            "Expected a 1-D sequence of paths or other clips, got a table of them; select the "
            "column of clips"
        )


def _are_rows(X, clips):
    """Tell the rows of a table from clips that happen to be waveforms of their own lengths."""
    return (
        isinstance(X, list | tuple)
        and all(map(_is_row, clips))
        and len({len(clip) for clip in clips}) == 1
    )


def keep_apart(X):
    """Return waveforms so that a part of them, of one length by chance, is no table."""
    if not isinstance(X, list | tuple) or _are_rows(X, X) or not any(map(_is_row, X)):
        return X
    clips = np.empty(len(X), dtype=object)
    for i, clip in enumerate(X):
        clips[i] = clip
    return clips


def as_clip(clip, index, sr, allow_nan=False):
    """Return what `read_clip` takes; what can be no clip is left to fail when it is read.

    Parameters
    ----------
    clip : path, array-like, pair or dict
        As `validate_clips` takes it.
    index : int
        Its place, for messages.
    sr : float
        The sample rate of arrays that do not carry their own, in Hz.
    allow_nan : bool, default=False
        Let NaN through.

    Returns
    -------
    clip : path, ndarray of shape (n_samples,), dtype float32, or Sound
        A waveform at ``sr``, or samples to be mixed and resampled.
    """
    if isinstance(clip, bytes) and b"\0" in clip:
        raise ValueError(f"clip {index} is the content of a file; pass the path of the file")
    if _is_path(clip) or isinstance(clip, Sound):
        return clip
    samples, rate = _take_rate(clip, f"clip {index}")
    samples = _as_array(samples, f"clip {index}")
    if not samples.ndim:
        return clip
    if samples.dtype.kind == "O":  # numbers of any type, of which NumPy finds the common one
        samples = _as_array(samples.tolist(), f"clip {index}")
    try:
        samples = order_channels(samples, MAX_BARE_CHANNELS if rate is None else MAX_CHANNELS)
        check_type(samples)
    except ValueError as error:
        raise ValueError(f"clip {index} {error}") from None
    if rate is None and samples.ndim == 1:
        samples = scale_samples(samples)
    # without NaN, which would hide infinity
    low, high = (
        reduce(samples, axis=None, initial=0) for reduce in (np.fmin.reduce, np.fmax.reduce)
    )
    is_infinite = max(-float(low), float(high)) > np.finfo(np.float32).max
    if is_infinite or (not allow_nan and np.isnan(samples.max(initial=0))):
        raise ValueError(f"clip {index} contains NaN or infinity")
    if rate is None and samples.ndim == 1:
        return samples
    return Sound(samples, sr if rate is None else rate)


def find_sound(clip, index, sr):
    """Return the `Sound` of a row that has a rate, or channels of a second at least, else None."""
    if not (isinstance(clip, Mapping) or _is_pair(clip)):
        shape = np.shape(clip) if _n_axes(clip) == 2 else (0,)
        if min(shape) > MAX_BARE_CHANNELS or max(shape) < sr:
            return None
    samples = as_clip(clip, index, sr, allow_nan=True)
    return samples if isinstance(samples, Sound) else Sound(samples, sr)


def _take_rate(clip, name):
    """Return samples and their rate, None if the clip carries none."""
    if isinstance(clip, Mapping):
        if not clip.keys() >= _HUGGING_FACE:
            raise ValueError(
                f"{name} is a dict with {list(clip)}; it needs 'array' and 'sampling_rate'"
            )
        samples, rate = clip["array"], clip["sampling_rate"]
    elif _is_pair(clip):
        samples, rate = clip if _is_number(clip[1]) else clip[::-1]
    else:
        return clip, None
    if not _is_number(rate) or isinstance(rate, bool) or not 0 < float(rate) < np.inf:
        raise ValueError(f"{name} has the sample rate {rate!r}; it must be a positive number of Hz")
    if _n_axes(samples) == 0:
        raise ValueError(f"{name} has a {type(samples).__name__} instead of an array of samples")
    return samples, float(rate)


def _as_array(samples, name):
    """Return samples as an array, or say what they are in its place."""
    if isinstance(samples, bytearray) or (
        isinstance(samples, memoryview) and samples.format in ("B", "b", "c")
    ):
        raise ValueError(f"{name} is raw bytes; pass an array of samples, or a path")
    if np.ma.is_masked(samples):
        raise ValueError(f"{name} has masked samples; fill them, for example with filled(0)")
    try:
        return np.asarray(samples)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"{name} is {_describe(samples)}, not an array: {error}") from None


def _describe(value):
    kinds = [type(part).__name__ for part in value[:4]] if isinstance(value, list | tuple) else []
    return f"a {type(value).__name__}" + (f" of {', '.join(kinds)}" if kinds else "")


def _is_path(clip):
    return isinstance(clip, str | bytes | os.PathLike)


def _is_pair(clip):
    """Tell samples with their rate, in either order."""
    return (
        isinstance(clip, list | tuple)
        and len(clip) == 2
        and any(
            _is_number(rate) and not _is_path(samples) and _n_axes(samples)
            for samples, rate in (clip, clip[::-1])
        )
    )


def _is_row(clip):
    return not (_is_path(clip) or isinstance(clip, Mapping) or _is_pair(clip)) and (
        _n_axes(clip) == 1
    )


def _is_number(value):
    return isinstance(value, Real) or (
        getattr(value, "ndim", None) == 0 and np.asarray(value).dtype.kind in "biufc"
    )


def _n_axes(value):
    """Return the number of axes of anything, -1 of lists of unequal length."""
    try:
        return value.ndim if hasattr(value, "ndim") else np.ndim(value)
    except ValueError:
        return -1


def read_clip(clip, *, sr, duration, timeout=None):
    """Return a clip as a waveform at ``sr``, at most ``duration`` seconds of it."""
    if isinstance(clip, Sound):
        return load_sound(clip, sr=sr, duration=duration)
    if not isinstance(clip, np.ndarray):
        return load_audio(clip, sr=sr, duration=duration, timeout=timeout)
    if not len(clip):
        raise AudioError({"": "no samples"})
    if np.isnan(clip).any():
        raise AudioError({"": "NaN samples"})
    return clip if duration is None else clip[: round(duration * sr)]


def read_clip_blocks(clip, *, sr, n_samples):
    """Yield a clip of any length in blocks of ``n_samples`` at ``sr``; the last may be shorter."""
    if isinstance(clip, Sound):
        yield from read_sound_blocks(clip, sr=sr, size=n_samples)
    elif isinstance(clip, np.ndarray):
        y = read_clip(clip, sr=sr, duration=None)
        for start in range(0, len(y), n_samples):
            yield y[start : start + n_samples]
    else:
        yield from read_blocks(clip, sr=sr, block_duration=n_samples / sr)


def at_rate(clip, sr, new_sr):
    """Return a waveform at another sample rate; what carries its own as it is."""
    if not isinstance(clip, np.ndarray) or sr == new_sr:
        return clip
    resampled = soxr.resample(clip, sr, new_sr, quality="HQ")
    return resampled if len(resampled) else clip[:1]


def is_too_short(n_samples, sr):
    """Tell whether so few samples are no clip, but a row of a table of something else."""
    return n_samples < _SHORTEST * sr


def clip_name(clip, index):
    """Name a clip in a message: its path, or its place among the clips."""
    return os.fsdecode(clip) if _is_path(clip) else f"clip {index}"
