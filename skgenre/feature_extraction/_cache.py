import hashlib
import os
import warnings
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_memory

from .._base import installed_versions

# What makes the numbers.
_PACKAGES = ("skgenre", "numpy", "scipy", "numba", "librosa", "soundfile", "soxr")
# Raised where the numbers become others under one version, as between releases.
_REVISION = 2
# What changes how a song is read or when, but not what comes out.
_IRRELEVANT = ("cache", "n_jobs", "on_error", "timeout", "verbose")


class FeatureCache:
    """Features of audio files on disk, one entry for each file and setting.

    An entry is found again while the file keeps its path, size and time of last change, the
    transformer its parameters, and the libraries that make the numbers their versions. Entries are
    written by joblib, first aside and then renamed, so that they are whole or missing, whatever
    other processes do.

    Parameters
    ----------
    cache : None, path or joblib.Memory
        Where to keep the entries; ``None`` keeps none.
    transformer : estimator
        The name of its class and its parameters are part of the key.
    """

    def __init__(self, cache, transformer):
        self._backend: Any = None
        try:
            memory = check_memory(os.fspath(cache) if isinstance(cache, os.PathLike) else cache)
        except OSError as error:
            warnings.warn(
                f"cache={cache!r} cannot be used, and no features are kept: {error}",
                stacklevel=4,
            )
            return
        if memory.store_backend is None:
            return
        self._backend = memory.store_backend
        self._folder = type(transformer).__name__
        params = transformer._feature_params()
        self._settings = _digest(
            type(transformer),
            {name: _plain(params[name]) for name in params if name not in _IRRELEVANT},
            installed_versions(_PACKAGES),
            _REVISION,
        )

    def get(self, path, compute):
        """Return the entry of a file, read-only, or what ``compute()`` returns after keeping it."""
        key = self.key(path)
        features = self.load(key)
        if features is None:
            features = compute()
            self.store(key, features)
        return features

    def key(self, path):
        """Return what a file's entry is found by, or None where there can be none."""
        if self._backend is None or not isinstance(path, str | bytes | os.PathLike):
            return None
        try:
            file = os.stat(path)
        except (OSError, ValueError):
            return None
        place = os.path.abspath(os.fsdecode(path))
        return self._folder, _digest(self._settings, place, file.st_size, file.st_mtime_ns)

    def load(self, key):
        """Return an entry, read-only, or None where there is none."""
        if key is None or not self._backend.contains_item(key):
            return None
        try:
            dtype, shape, data = self._backend.load_item(key)
            return np.frombuffer(data, dtype=dtype).reshape(shape)
        except Exception:  # whatever a damaged pickle raises, it is computed again
            self._backend.clear_item(key)
            return None

    def store(self, key, features):
        """Keep an entry."""
        if key is not None:
            # joblib reads bytes several times faster than an array
            self._backend.dump_item(key, (features.dtype.str, features.shape, features.tobytes()))


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
