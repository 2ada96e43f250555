"""Changes to segments that do not change their genre, drawn anew for each step of training."""

import numpy as np


def mask(segments, rng, largest_share, *, axis):
    """Hide a stretch of bands (``axis=1``) or frames (``axis=2``) of each segment.

    What is hidden gets the mean of its band, as in SpecAugment [1]_.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, n_bands, n_frames)
        Changed in place.
    rng : RandomState
        Draws lengths, uniform up to the largest, and places.
    largest_share : float
        Share of the axis that a stretch covers at most, from 0 to 1.
    axis : {1, 2}
        The axis along which a stretch is hidden.

    References
    ----------
    .. [1] D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
       recognition", Interspeech 2019.
    """
    n_segments, size = len(segments), segments.shape[axis]
    lengths = np.floor(rng.uniform(0, largest_share, n_segments) * size + 0.5)
    starts = np.floor(rng.uniform(0, 1, n_segments) * (size - lengths + 1))
    positions = np.arange(size)
    is_hidden = (positions >= starts[:, None]) & (positions < (starts + lengths)[:, None])
    is_hidden = is_hidden[:, :, None] if axis == 1 else is_hidden[:, None, :]
    means = segments.mean(axis=(0, 2), keepdims=True)
    np.copyto(segments, means, where=is_hidden)


def change_level(segments, rng, deviation):
    """Add a normally distributed level to each segment, in place; ``deviation`` is its scale."""
    levels = rng.normal(scale=deviation, size=(len(segments), 1, 1))
    segments += levels.astype(segments.dtype)


def mix_up(segments, targets, weights, rng, alpha):
    """Blend each segment with another one of the step, and their targets with them [1]_.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, n_bands, n_frames)
        The segments of a step.
    targets : ndarray of shape (n_segments, n_classes)
        Probabilities of the genres.
    weights : ndarray of shape (n_segments,)
        Weights of the segments.
    rng : RandomState
        Draws partners and shares.
    alpha : float
        Both parameters of the beta distribution of the shares.

    Returns
    -------
    segments, targets, weights : ndarray
        Blends of the same shapes.

    References
    ----------
    .. [1] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.
    """
    others = rng.permutation(len(segments))
    share = rng.beta(alpha, alpha, len(segments)).astype(segments.dtype)
    own, other = share * weights, (1 - share) * weights[others]
    blended_weights = own + other
    of_target = (own / np.maximum(blended_weights, np.finfo(own.dtype).tiny))[:, None]
    of_segment = share[:, None, None]
    return (
        of_segment * segments + (1 - of_segment) * segments[others],
        (of_target * targets + (1 - of_target) * targets[others]).astype(targets.dtype),
        blended_weights,
    )
