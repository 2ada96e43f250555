"""The genres and the groups of songs, as people give them."""

from numbers import Number

import numpy as np
import pandas as pd
from sklearn.utils.validation import column_or_1d

from ._sklearn import check_array

_N_NAMED = 5


def check_genres(y):
    """Return genres as an array of shape (n_songs,), or say which song has none.

    Missing are None, NaN and what else pandas takes for that, empty texts, and the text ``"nan"``,
    which is what NumPy makes of NaN among texts.

    Parameters
    ----------
    y : array-like of shape (n_songs,)
        The genre of each song.

    Returns
    -------
    y : ndarray of shape (n_songs,)

    Raises
    ------
    ValueError
        If there are no genres, or if some are missing or not of the type of the others.
    """
    if np.ma.is_masked(y):
        y = np.where(np.ma.getmaskarray(y), None, y)
    values = np.asarray(y, dtype=object)
    if values.ndim == 0:
        raise ValueError(f"y must be a sequence with the genre of each song, got {y!r}")
    values = values.ravel()
    if not len(values):
        raise ValueError("y is empty; give the genre of each song")
    missing = pd.isna(values)
    missing |= [isinstance(value, str) and value in ("", "nan") for value in values]
    if missing.any():
        rows = np.flatnonzero(missing)
        named = ", ".join(f"y[{row}] is {values[row]!r}" for row in rows[:_N_NAMED])
        rest = f", and {len(rows) - _N_NAMED} more are missing" if len(rows) > _N_NAMED else ""
        raise ValueError(
            f"Each song needs a genre, but {named}{rest}. Leave these songs out, or give them one"
        )
    is_text = np.array([isinstance(value, str) for value in values])
    is_right = is_text if is_text.any() else [isinstance(value, Number) for value in values]
    if not np.all(is_right):
        row = np.argmin(is_right)
        raise ValueError(
            f"Genres must be all strings or all numbers, one for each song, but y[{row}] is "
            f"{values[row]!r}"
        )
    return column_or_1d(check_array(y, ensure_2d=False, dtype=None, input_name="y"), warn=True)


def check_groups(groups):
    """Return groups as an array, or None if there are none."""
    if groups is None:
        return None
    # as objects, for NumPy makes a text of NaN among texts
    missing = pd.isna(np.asarray(groups, dtype=object).ravel())
    if missing.any():
        raise ValueError(
            f"groups hold missing values, the first in row {missing.argmax()}; "
            "skgenre.artist_groups makes a song of an unknown artist a group of its own"
        )
    return column_or_1d(groups)
