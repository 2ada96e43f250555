"""Decibels and norms with librosa's numbers, without its import, which compiles for 15 seconds."""

import numpy as np

# The power that librosa takes for silence.
_AMIN = 1e-10


def power_to_db(power, *, top_db=80.0):
    """Return decibels, as `librosa.power_to_db`; None keeps all of them."""
    decibels = 10.0 * np.log10(np.maximum(_AMIN, power))
    return decibels if top_db is None else np.maximum(decibels, decibels.max() - top_db)


def normalize(values, order=np.inf):
    """Return columns of length 1, as `librosa.util.normalize`; those of silence stay as they are.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    order : float
        Of the norm.
    """
    sizes = np.abs(values).astype(float)
    if order == np.inf:
        lengths = sizes.max(axis=0, keepdims=True)
    else:
        lengths = (sizes**order).sum(axis=0, keepdims=True) ** (1 / order)
    lengths[lengths < np.finfo(values.dtype).tiny] = 1
    return (values / lengths).astype(values.dtype)
