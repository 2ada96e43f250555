"""The segment axis: how a song's segments are laid out, weighted, and made one answer again.

A row of X is one song at every step, so that no splitter can part the segments of a song. Here, and
only here, segments are laid side by side for a learner that knows nothing of songs.
"""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from ._base import check_not_empty, forget_table
from ._genres import check_genres
from ._names import printable
from ._sklearn import check_array, validate_data
from ._stored import StoredSegments, StoredSongs, count_together, is_stored

AGGREGATES = ("mean", "product", "vote")


def validate_bags(estimator, X, *, reset, dtype=np.float32, may_stay_stored=False):
    """Check the features of songs and return them as an array, unchanged in shape.

    NaN passes, since it marks a song that could not be read; infinity does not.

    Parameters
    ----------
    estimator : estimator
        On a table, its ``n_features_in_`` is set or checked.
    X : array-like
        A table (n_songs, n_features), spectrograms (n_songs, n_bands, n_frames), bags of segments
        (n_songs, n_segments, n_bands, n_frames), or ragged bags: (n_songs,) of 3-D arrays.
    reset : bool
        Whether this is a fit.
    dtype : dtype or list of dtypes, default=float32
        What to convert to; of several, the first unless X has another of them.
    may_stay_stored : bool, default=False
        Whether songs in a zarr array are returned as `StoredSongs`, and not read into memory.

    Returns
    -------
    X : ndarray or StoredSongs
        Of the dtype, or of object and float32 within where the bags are ragged.
    """
    check_not_empty(X, "song")
    X = divisible(X, kinds="biuf")
    if isinstance(X, StoredSongs):
        if may_stay_stored:
            return _validate_stored(estimator, X, reset)
        X = np.asarray(X)
    if hasattr(X, "to_numpy") and X.ndim == 1:
        X = X.to_numpy()
    elif hasattr(X, "__array__") and getattr(X, "ndim", 0) > 2:
        X = np.asarray(X)
    first_ndim = np.ndim(X[0]) if isinstance(X, np.ndarray | list | tuple) and len(X) else 0
    if first_ndim in (2, 3):
        if reset:
            forget_table(estimator)
        if first_ndim == 3 and getattr(X, "ndim", 1) == 1:
            return _validate_ragged(X)
        X = check_array(X, dtype=dtype, allow_nd=True, ensure_all_finite="allow-nan")
        if 0 in X.shape:
            raise ValueError(f"X holds empty songs, of shape {X.shape[1:]}")
        return X
    return validate_data(estimator, X, reset=reset, dtype=dtype, ensure_all_finite="allow-nan")


def divisible(X, kinds="f"):
    """Return a zarr array as what a splitter can take parts of; anything else as it is.

    Arrays of other kinds of numbers than are named, or of paths, are read into memory.
    """
    if not is_stored(X):
        return X
    return StoredSongs(X) if X.ndim in (2, 3, 4) and X.dtype.kind in kinds else X[...]


def _validate_stored(estimator, X, reset):
    if 0 in X.shape:
        raise ValueError(f"X holds empty songs, of shape {X.shape[1:]}")
    if reset:
        forget_table(estimator)
    if X.ndim == 2:
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    return X


def _validate_ragged(X):
    bags = np.empty(len(X), dtype=object)
    for i, bag in enumerate(X):
        bags[i] = np.asarray(bag, dtype=np.float32)
        if bags[i].ndim != 3 or 0 in bags[i].shape or bags[i].shape[1] != bags[0].shape[1]:
            raise ValueError(
                f"Song {i} has the shape {bags[i].shape}; expected (n_segments, n_bands, n_frames) "
                f"with {bags[0].shape[1]} bands, none of them zero"
            )
        if np.isinf(bags[i]).any():
            raise ValueError(f"Input X contains infinity, in song {i}.")
    return bags


def is_ragged(X):
    """Tell ragged bags from an array."""
    return X.dtype == object


def is_readable(X):
    """Return for each song whether it could be read, that is, holds no NaN."""
    if isinstance(X, StoredSongs):
        return X.readable
    return np.array([not np.isnan(song).any() for song in X])


def by_band(song):
    """View one row of X as (n_segments, n_bands, n_frames)."""
    if song.ndim == 1:
        return song[np.newaxis, :, np.newaxis]
    return song[np.newaxis] if song.ndim == 2 else song


def check_n_bands(estimator, X, n_bands):
    """Refuse songs of another number of bands than the estimator was fitted on."""
    given = by_band(X[0]).shape[1]
    if given != n_bands:
        raise ValueError(
            f"X has {given} bands, but {type(estimator).__name__} is expecting {n_bands} bands, "
            "as in fit"
        )


def find_readable(X):
    """Return what `is_readable` does, for a fit: there must be a readable song."""
    readable = is_readable(X)
    if not readable.any():
        raise ValueError("None of the songs could be read: each row of X contains NaN.")
    return readable


def take_songs(keep, *arrays):
    """Return the songs to keep of each array, without copies where all are; None stays None."""
    if keep.all():
        return arrays
    return tuple(None if array is None else _as_indexable(array)[keep] for array in arrays)


def _as_indexable(array):
    return array if isinstance(array, StoredSongs) else np.asarray(array)


def flatten(X):
    """Lay the segments of all songs side by side.

    Parameters
    ----------
    X : ndarray
        As `validate_bags` returns it.

    Returns
    -------
    segments : ndarray of shape (n_segments_in_all, n_bands, n_frames)
        A view where X is an array. A row of a table is one segment of one frame.
    counts : ndarray of shape (n_songs,)
        How many segments each song has, in order.
    """
    if is_ragged(X):
        segments, counts = list_segments(X)
        return np.stack(segments), counts
    if X.ndim == 4:
        return X.reshape(-1, *X.shape[2:]), np.full(len(X), X.shape[1])
    segments = X[:, :, np.newaxis] if X.ndim == 2 else X
    return segments, np.ones(len(X), dtype=int)


def list_segments(X, songs=None):
    """List the segments of songs, without copies.

    Parameters
    ----------
    X : ndarray or StoredSongs
        As `validate_bags` returns it.
    songs : ndarray of int, default=None
        Which ones. ``None``: all.

    Returns
    -------
    segments : sequence of ndarray of shape (n_bands, n_frames)
        Views of X; of stored songs, each is read when asked for. A row of a table is one segment of
        one frame.
    counts : ndarray of shape (n_songs,)
        How many segments each song has, in order.
    """
    if isinstance(X, StoredSongs):
        part = X if songs is None else X[songs]
        return part.segments(), np.full(len(part), part.shape[1] if part.ndim == 4 else 1)
    bags = [by_band(song) for song in (X if songs is None else map(X.__getitem__, songs))]
    lengths = {bag.shape[2] for bag in bags}
    if len(lengths) > 1:
        raise ValueError(
            f"Segments must have one length, got from {min(lengths)} to {max(lengths)} frames; "
            "give the transformer a segment_duration"
        )
    return [segment for bag in bags for segment in bag], np.array([len(bag) for bag in bags])


def take_segments(segments, numbers):
    """Return an array (n, n_bands, n_frames) of some of what `list_segments` returns."""
    if isinstance(segments, StoredSegments):
        return segments.read(numbers)
    return np.stack([segments[i] for i in numbers])


def iter_segments(X, songs):
    """Yield arrays of segments (n, n_bands, n_frames), of a few songs each.

    Parameters
    ----------
    X : ndarray or StoredSongs
        As `validate_bags` returns it.
    songs : ndarray of int
        Which ones.
    """
    n_together = 1 if is_ragged(X) else count_together(X.shape[1:])
    for start in range(0, len(songs), n_together):
        yield flatten(np.asarray(X[songs[start : start + n_together]]))[0]


def segment_weights(counts, sample_weight):
    """Share each song's weight among its segments.

    Scaled so that songs of weight 1 give segments of mean weight 1, since learners that average
    over a batch divide by its size and not by the sum of its weights.
    """
    scale = np.average(counts, weights=sample_weight)
    return np.repeat(sample_weight / counts * scale, counts)


def aggregate_proba(proba, counts, aggregate):
    """Turn the probabilities of segments, (n_segments_in_all, n_classes), into those of songs."""
    if aggregate == "vote":
        votes = np.eye(proba.shape[1], dtype=proba.dtype)[proba.argmax(axis=1)]
        # a segment of NaN has no vote, and must not look as if it had
        votes[np.isnan(proba).any(axis=1)] = np.nan
        proba = votes
    if aggregate != "product":
        return mean_over_segments(proba, counts)
    tiny = np.finfo(proba.dtype).tiny
    log_proba = mean_over_segments(np.log(np.maximum(proba, tiny)), counts)
    proba = np.exp(log_proba - log_proba.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)


def mean_over_segments(values, counts):
    """Average rows of values over the segments of each song."""
    starts = np.cumsum(counts) - counts
    shape = (-1,) + (1,) * (values.ndim - 1)
    return np.add.reduceat(values, starts, axis=0) / counts.astype(values.dtype).reshape(shape)


def validate_genres(estimator, y):
    """Check the genres of songs and return them as an array of shape (n_songs,)."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    y = check_genres(y)
    check_classification_targets(y)
    return y


def check_several(estimator):
    """Refuse an estimator whose songs are all of one genre."""
    if len(estimator.classes_) < 2:
        raise ValueError(
            f"{type(estimator).__name__} needs songs of at least 2 classes, got only one class: "
            f"'{printable(estimator.classes_[0])}'"
        )


def answer_readable(readable, ask, unreadable_answer):
    """Return what ``ask`` answers for the readable songs, and one answer for all others."""
    if not readable.any():
        return np.full((len(readable), *np.shape(unreadable_answer)), unreadable_answer)
    of_readable = ask()
    answers = np.empty((len(readable), *of_readable.shape[1:]), dtype=of_readable.dtype)
    answers[readable], answers[~readable] = of_readable, unreadable_answer
    return answers


def check_finite(estimator, X, readable, results, start=0):
    """Refuse what an estimator gives for readable songs where it is not finite.

    NaN would pass for a song that could not be read, or for the first genre. ``start`` is the
    number of the first song, where X is a part of all.
    """
    lost = [i for i in np.flatnonzero(readable) if not np.isfinite(results[i]).all()]
    if lost:
        peak = max(np.abs(X[i]).max() for i in lost)
        part = f" from X[{start}] on" if start else ""
        raise ValueError(
            f"{type(estimator).__name__} gives no finite numbers for {len(lost)} of {len(X)} "
            f"songs{part}, the first of which is X[{start + lost[0]}]. Their values reach "
            f"{peak:.3g}; scale them like those in fit, or fit again on smaller values"
        )
