import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..preprocessing import SpectrogramScaler
from ._songs import after_clips, as_pipeline, open_song


def explain_segment(estimator, X, *, genre=None, segment=0, patch_shape=None, fill=None):
    """Find the times and frequencies that a prediction for a segment depends on.

    Patches of the segment's spectrogram are covered, one at a time, and the classifier predicts
    again [1]_. The more the genre's probability drops, the more the prediction depends on the
    patch. See :doc:`/guide/inspection`.

    Parameters
    ----------
    estimator : classifier or Pipeline
        A fitted classifier with ``predict_proba`` of spectrograms or bags of segments, a pipeline
        that starts with the transformer from clips to these, or what `load_model` returns. In a
        pipeline, the output of the transformer is covered and passes through all other steps.
    X : path, ndarray of shape (n_samples,), (n_bands, n_frames) or (n_segments, n_bands, n_frames)
        The song: a clip if the estimator takes clips, otherwise its features.
    genre : label, default=None
        The genre to explain. ``None`` means the one predicted for the segment.
    segment : int, default=0
        Index of the segment in the song. The other segments have no influence.
    patch_shape : tuple of int, default=None
        Number of bands and frames of a patch. ``None`` means an eighth of each. Patches overlap by
        half.
    fill : float or array-like of shape (n_bands,), default=None
        Value to cover patches with. ``None`` means the mean of each band: over the training songs
        if the first step after the transformer is a `SpectrogramScaler` with
        ``method="standard"``, otherwise over the segment.

    Returns
    -------
    drops : ndarray of shape (n_bands, n_frames)
        How much the probability drops, averaged over the patches that cover each place. Negative
        where it rises.

    Raises
    ------
    AudioError
        If the song cannot be read.
    ValueError
        If the genre or segment does not exist, or ``patch_shape`` or ``fill`` does not fit the
        segment.

    See Also
    --------
    OcclusionDisplay : Plots the result.

    Notes
    -----
    Patches are covered one at a time. If either of two places is enough for the prediction, both
    look unimportant.

    References
    ----------
    .. [1] M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks", ECCV
       2014.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skgenre import SegmentVotingClassifier, explain_segment
    >>> X = np.random.default_rng(0).normal(size=(40, 8, 16))
    >>> y = np.repeat(["blues", "rock"], 20)
    >>> X[20:, 2] += 3
    >>> clf = SegmentVotingClassifier(LogisticRegression()).fit(X, y)
    >>> drops = explain_segment(clf, X[30], patch_shape=(1, 16))
    >>> drops.shape, int(drops.mean(axis=1).argmax())
    ((8, 16), 2)
    """
    estimator = as_pipeline(estimator)
    spectrogram, ask = open_segment(estimator, X, segment)
    proba = ask(spectrogram[np.newaxis])[0]
    classes = list(estimator.classes_)
    if genre is not None and genre not in classes:
        raise ValueError(f"genre must be one of {[str(name) for name in classes]}, got {genre!r}")
    column = int(proba.argmax()) if genre is None else classes.index(genre)
    patch = _check_patch(patch_shape, spectrogram.shape)
    painted = np.broadcast_to(_find_fill(estimator, spectrogram, fill), spectrogram.shape)
    total, n_patches = np.zeros((2, *spectrogram.shape))
    starts = [_starts(n, size) for n, size in zip(spectrogram.shape, patch, strict=True)]
    for first_band in starts[0]:
        bands = slice(first_band, first_band + patch[0])
        occluded = np.repeat(spectrogram[np.newaxis], len(starts[1]), axis=0)
        places = [(bands, slice(first, first + patch[1])) for first in starts[1]]
        for copy, place in zip(occluded, places, strict=True):
            copy[place] = painted[place]
        drops = proba[column] - ask(occluded)[:, column]
        for place, drop in zip(places, drops, strict=True):
            total[place] += drop
            n_patches[place] += 1
    return total / n_patches


def open_segment(estimator, X, segment):
    """Return a song's segment, (n_bands, n_frames), and a function from several to probabilities.

    Parameters are those of `explain_segment`.
    """
    check_is_fitted(estimator)
    features, rest = open_song(estimator, X), after_clips(estimator)
    if features.ndim not in (2, 3) or not np.issubdtype(features.dtype, np.number):
        raise ValueError(
            "Expected the features of one song, of shape (n_bands, n_frames) or (n_segments, "
            f"n_bands, n_frames), got {features.shape}"
        )
    if features.dtype.kind != "f":
        features = features.astype(float)
    if np.isnan(features).any():
        raise ValueError("The song could not be read: its features are NaN")
    is_bag = features.ndim == 3
    n_segments = len(features) if is_bag else 1
    if not 0 <= segment < n_segments:
        raise ValueError(f"There is no segment {segment}; the song has {n_segments}")

    def ask(spectrograms):
        return rest.predict_proba(spectrograms[:, np.newaxis] if is_bag else spectrograms)

    return features[segment] if is_bag else features, ask


def _check_patch(patch_shape, shape):
    if patch_shape is None:
        return tuple(max(1, round(n / 8)) for n in shape)
    patch = tuple(patch_shape)
    if len(patch) != 2 or not all(
        isinstance(size, int | np.integer) and 1 <= size <= n
        for size, n in zip(patch, shape, strict=False)
    ):
        raise ValueError(
            f"patch_shape must be two integers, from (1, 1) to {shape}, got {patch_shape!r}"
        )
    return patch


def _starts(n, size):
    """Return where patches begin on an axis, so that all of it is covered."""
    return np.unique([*range(0, n - size, max(1, size // 2)), n - size])


def _find_fill(estimator, spectrogram, fill):
    """Return what to paint with: a number, or a column of one for each band."""
    if fill is None:
        rest = after_clips(estimator)
        scaler = rest[0] if isinstance(rest, Pipeline) else None
        if isinstance(scaler, SpectrogramScaler) and scaler.method == "standard":
            return scaler.mean_[:, np.newaxis]
        return spectrogram.mean()
    fill = np.asarray(fill, dtype=float)
    if fill.shape not in ((), (len(spectrogram),)) or not np.isfinite(fill).all():
        raise ValueError(
            f"fill must be a number, or one for each of {len(spectrogram)} bands, got {fill!r}"
        )
    return fill if fill.ndim == 0 else fill[:, np.newaxis]
