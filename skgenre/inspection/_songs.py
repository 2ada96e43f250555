"""From an estimator and a song to what the estimator hears of it."""

import os

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..audio._clips import as_clip
from ..audio._sound import Sound
from ..feature_extraction import MelSpectrogramTransformer
from ..feature_extraction._base import BaseClipTransformer


def as_pipeline(estimator):
    """Return what `load_model` gives as a pipeline that begins with clips; all else as it is."""
    make = getattr(estimator, "_as_pipeline", None)
    return estimator if make is None else make()


def clip_transformer(estimator):
    """Return the first step of a pipeline if it takes clips, else None."""
    first = estimator[0] if isinstance(estimator, Pipeline) else estimator
    return first if isinstance(first, BaseClipTransformer) else None


def mel_transformer(estimator):
    """Return the first step of a pipeline if it gives mel spectrograms or MFCCs, else None."""
    first = clip_transformer(estimator)
    return first if isinstance(first, MelSpectrogramTransformer) else None


def check_clip(clip):
    """Refuse what is no single clip."""
    try:
        found = as_clip(clip, 0, sr=1.0)
    except ValueError as error:
        raise ValueError(f"X must be one clip, but {error}") from None
    if not isinstance(found, str | bytes | os.PathLike | np.ndarray | Sound):
        raise ValueError(f"X must be one clip, got a {type(clip).__name__}")


def extract(transformer, clip):
    """Return the features of one clip, by a transformer that raises if it cannot be read."""
    check_clip(clip)
    return clone(transformer).set_params(on_error="raise", verbose=0).fit_transform([clip])[0]


def open_song(estimator, X):
    """Return the features of one song: of a clip, or the features themselves.

    Parameters
    ----------
    estimator : classifier or Pipeline
        Fitted.
    X : path or ndarray
        One clip if the estimator begins with a transformer of clips, else one song's features.
    """
    transformer = clip_transformer(estimator)
    return np.asarray(X) if transformer is None else extract(transformer, X)


def after_clips(estimator):
    """Return the estimator that takes features: the rest of a pipeline that begins with clips."""
    return estimator if clip_transformer(estimator) is None else estimator[1:]


def segment_duration(transformer):
    """Return the length of a transformer's segments in seconds, or None if it is not known."""
    n_samples = None if transformer is None else transformer._segment_samples()
    return n_samples and n_samples / transformer._working_sr
