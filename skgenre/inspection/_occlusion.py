import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from ..preprocessing import SpectrogramScaler
from ._songs import after_clips, as_pipeline, open_song


def explain_segment(estimator, X, *, genre=None, segment=0, patch_shape=None, fill=None):
    """Tell which times and frequencies of a segment a genre's probability rests on.

    Patches of the segment's spectrogram are painted over, one at a time, and the classifier is
    asked again [1]_. Where its probability falls, it listened.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Fitted, with ``predict_proba``: of spectrograms or bags of segments, or a pipeline that
        begins with the transformer of clips that makes them, or what `load_model` gives. In a
        pipeline, what the transformer gives is painted over, and goes through all other steps.
    X : path, ndarray of shape (n_samples,), (n_bands, n_frames) or (n_segments, n_bands, n_frames)
        The song: a clip for pipelines that begin with a transformer of clips, else its features.
    genre : label, default=None
        Whose probability. ``None`` is the genre that is predicted for the segment.
    segment : int, default=0
        Which segment of the song; it is judged by itself.
    patch_shape : tuple of int, default=None
        Bands and frames of a patch. ``None`` is an eighth of each. Patches lie half a patch apart.
    fill : float or array-like of shape (n_bands,), default=None
        What they are painted over with. ``None`` is the mean of each band over the training songs
        where a `SpectrogramScaler` that standardises is the first to get them, and else the mean
        of the segment.

    Returns
    -------
    drops : ndarray of shape (n_bands, n_frames)
        By how much the probability falls, on average over the patches that cover each place.
        Negative where the genre becomes more probable.

    Raises
    ------
    AudioError
        If the song cannot be read.
    ValueError
        If there is no such genre or segment, or a patch or filling does not fit the segment.

    See Also
    --------
    OcclusionDisplay : Draws it.

    Notes
    -----
    Painting is all that is tested: two places that say the same, either of which suffices, both
    come out as unimportant.

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
        raise ValueError(f"genre {genre!r} is none of {[str(name) for name in classes]}")
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
