import hashlib
import os

import joblib
from sklearn.utils.validation import check_memory

from .._base import installed_versions

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
        Its class and parameters are part of the key.
    """

    def __init__(self, cache, transformer):
        memory = check_memory(os.fspath(cache) if isinstance(cache, os.PathLike) else cache)
        self._backend = memory.store_backend
        if self._backend is None:
            return
        self._folder = type(transformer).__name__
        params = transformer.get_params()
        self._settings = joblib.hash(
            (
                {name: value for name, value in params.items() if name not in _IRRELEVANT},
                installed_versions((*transformer._stamped_packages, "soundfile", "soxr")),
            )
        )

    def get(self, path, compute):
        """Return the entry of a file, or what ``compute()`` returns after keeping it."""
        if self._backend is None or not isinstance(path, str | os.PathLike):
            return compute()
        try:
            file = os.stat(path)
        except (OSError, ValueError):
            return compute()
        key = f"{self._settings} {file.st_size} {file.st_mtime_ns} {os.path.abspath(path)}"
        entry = (self._folder, hashlib.md5(os.fsencode(key), usedforsecurity=False).hexdigest())
        if self._backend.contains_item(entry):
            try:
                return self._backend.load_item(entry)
            except Exception:  # whatever a damaged pickle raises, it is computed again
                self._backend.clear_item(entry)
        features = compute()
        self._backend.dump_item(entry, features)
        return features
