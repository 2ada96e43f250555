import hashlib
import os
import warnings
from contextlib import suppress
from numbers import Real
from pathlib import Path

import numpy as np
from joblib import Memory

from .._base import installed_versions
from .._checked_files import local_path, make_private_folder, read_checked, write_checked
from ..audio._files import identify

# What makes the numbers.
_PACKAGES = ("skgenre", "numpy", "scipy", "numba", "librosa", "soundfile", "av", "soxr")
# Raised where the numbers or the format become others under one version, as between releases.
_REVISION = 3
# What changes how a song is read or when, but not what comes out.
_IRRELEVANT = ("cache", "n_jobs", "on_error", "timeout", "verbose")
_DTYPE = "<f4"
# Beside what joblib would call output.pkl in a folder of the same kind.
_FILE_NAME = "output.bin"


class FeatureCache:
    """Features of audio files on disk, one entry for each file and setting.

    An entry is found again while the file keeps its path, size and time of last change, the
    transformer its parameters, and the libraries that make the numbers their versions. Entries are
    plain numbers with a checksum. They are whole or missing, whatever other processes do; damaged
    ones count as missing.

    Parameters
    ----------
    cache : None, path or joblib.Memory
        Where to keep the entries; ``None`` keeps none. A `joblib.Memory` stands for its folder, and
        its ``clear`` and ``reduce_size`` see the entries as their own.
    transformer : estimator
        The name of its class and its parameters are part of the key.
    """

    def __init__(self, cache, transformer):
        self._folder: Path | None = None
        place = _find_place(cache)
        if place is None:
            return
        folder = local_path(place, "cache") / type(transformer).__name__
        try:
            make_private_folder(folder)
        except OSError as error:
            warnings.warn(
                f"cache={cache!r} cannot be used, so no features are stored: {error}",
                stacklevel=4,
            )
            return
        self._folder = folder
        self._settings = _digest(*describe_features(transformer))

    def find(self, clip):
        """Return the file of a clip's entry, or None where there can be none."""
        if self._folder is None or not isinstance(clip, str | bytes | os.PathLike):
            return None
        mark = identify(clip)
        return None if mark is None else self._folder / _digest(self._settings, *mark) / _FILE_NAME

    @staticmethod
    def load(entry):
        """Return the features of an entry, read-only, or None where there are none."""
        if entry is None:
            return None
        try:
            header, body = read_checked(entry, entry.parent.name)
            return np.frombuffer(body, _DTYPE).reshape(header["shape"])
        except (OSError, KeyError, TypeError, ValueError):
            return None  # a checksum keeps away damage, and not what others put there

    @staticmethod
    def store(entry, features):
        """Keep features as an entry. Return why they cannot be kept, or None."""
        if entry is None:
            return None
        numbers = np.ascontiguousarray(features, dtype=_DTYPE)
        try:
            make_private_folder(entry.parent)
            write_checked(entry, entry.parent.name, numbers, shape=numbers.shape)
        except OSError as error:
            with suppress(OSError):
                entry.parent.rmdir()
            return error.strerror or str(error)
        return None


def describe_features(transformer):
    """Return what the features of a transformer depend on, beside the songs.

    Returns
    -------
    kind : type
    params : dict
        Equal where the parameters mean the same.
    versions : dict of str
        Of the packages that make the numbers.
    revision : int
        Of how skgenre makes them.
    """
    params = transformer._feature_params()
    relevant = {name: _plain(params[name]) for name in params if name not in _IRRELEVANT}
    return type(transformer), relevant, installed_versions(_PACKAGES), _REVISION


def _find_place(cache):
    """Return the folder of all entries, the one that joblib would use, or None."""
    if isinstance(cache, Memory):
        return None if cache.store_backend is None else cache.store_backend.location
    return None if cache is None else local_path(cache, "cache") / "joblib"


def _digest(*parts):
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def _plain(value):
    """Return the same for values that mean the same."""
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, np.ndarray):
        return value.astype(float).tobytes()
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    return value
