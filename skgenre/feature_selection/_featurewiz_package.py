"""The featurewiz package: imported when a selector is fitted, and run so that nothing else notices.

featurewiz is made for notebooks. It wants a frame with plain column names and whole numbers for
classes; it prints, silences all warnings for good, reseeds the generators of Python and NumPy, and
where a step fails it says so in print and goes on with all columns it has.
"""

import importlib
import importlib.metadata
import io
import random
import re
import sys
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stdout
from functools import lru_cache

import numpy as np
import pandas as pd

from .._seeding import global_generators_kept

SUPPORTED = "0.6.1"
INSTALL = (
    "pip install 'skgenre[featurewiz-modern]' && "
    f"pip install --no-deps featurewiz=={SUPPORTED} lazytransform==1.18"
)
_PANDAS_OPTIONS = ("mode.chained_assignment", "compute.use_numexpr")
_FAILURE = re.compile(r"^.*\b(?:crash|error)ing\b.*$", re.MULTILINE)


def check_version():
    """Refuse to go on without the one version that works."""
    try:
        installed = importlib.metadata.version("featurewiz")
    except importlib.metadata.PackageNotFoundError:
        found = "it is not installed"
    else:
        if installed == SUPPORTED:
            return
        found = f"{installed} is installed, which is not known to work"
    raise ImportError(
        f"FeatureWizSelector needs featurewiz {SUPPORTED}, and {found}; install it: {INSTALL}"
    )


def rank_columns(
    table, names, codes, *, corr_limit, skip_sulov, skip_xgboost, n_threads, random_state, verbose
):
    """Return the columns that featurewiz keeps, the most important first.

    Parameters
    ----------
    table : ndarray of shape (n_songs, n_features), of floats
        At least two columns, each of which varies; no NaN.
    names : sequence of str
        Of the columns: letters and digits, none twice.
    codes : ndarray of shape (n_songs,), of integers from 0 to n_classes - 1
        The classes.
    corr_limit, skip_sulov, skip_xgboost
        As featurewiz has them.
    n_threads : int
        How many XGBoost may use.
    random_state : RandomState
        Seeds the generators of Python and NumPy while featurewiz runs.
    verbose : int
        Whether to print what featurewiz prints.

    Returns
    -------
    order : ndarray of shape (n_selected,), of int
        Positions of columns.

    Raises
    ------
    ValueError
        If a step of featurewiz failed.
    """
    # plain objects: pandas finds them faster than its own strings, half a million times
    names = pd.Index(names, dtype=object)
    frame = pd.DataFrame(table, columns=names)
    # more than 30 classes are taken for a regression if they are signed integers
    target = pd.Series(codes.astype(np.uint16), name="target")
    printed = io.StringIO()
    with _everything_given_back():
        with redirect_stdout(printed):
            featurewiz = _load()
        seed = random_state.randint(np.iinfo(np.int32).max)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        with (
            redirect_stdout(_Tee(printed, sys.stdout) if verbose else printed),
            _trained_side_by_side(featurewiz, n_threads),
        ):
            wizard = featurewiz.FeatureWiz(
                corr_limit=corr_limit, skip_sulov=skip_sulov, skip_xgboost=skip_xgboost
            )
            wizard.lazy = _NothingToPrepare()
            wizard.fit_transform(frame, target)
    failure = _FAILURE.search(printed.getvalue())
    if failure:
        raise ValueError(
            f"featurewiz failed on {len(table)} songs with {len(names)} features that vary, and "
            f"would keep some unseen: {failure[0].strip()!r}. More songs, or skip_xgboost=True or "
            "skip_sulov=True, may help"
        )
    # XGBoost is not asked where a single column has come so far, and that one is then lost
    kept = wizard.features or list(wizard.numvars)
    return names.get_indexer(kept)


@lru_cache
def _load():
    """Import the module of featurewiz that holds its transformer."""
    ours = "featurewiz" not in sys.modules
    if ours:
        # classes upon TensorFlow, seconds to import, that a selection never uses
        auto_encoders = types.ModuleType("featurewiz.auto_encoders")
        auto_encoders.__getattr__ = lambda name: None  # type: ignore[method-assign]
        sys.modules["featurewiz.auto_encoders"] = auto_encoders
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options = {option: pd.get_option(option) for option in _PANDAS_OPTIONS}
        try:
            return importlib.import_module("featurewiz.featurewiz")
        except ImportError as error:
            raise ImportError(
                f"featurewiz cannot be imported: {error}; install it: {INSTALL}"
            ) from error
        finally:
            for option, value in options.items():
                pd.set_option(option, value)
            if ours:  # who imports featurewiz by hand shall find all of it
                for name in [name for name in sys.modules if name.split(".")[0] == "featurewiz"]:
                    del sys.modules[name]


@contextmanager
def _everything_given_back():
    """Ignore warnings, and restore what featurewiz changes for the whole process."""
    with global_generators_kept():
        warn = warnings.warn
        # not the filters, which other threads may be about to restore
        warnings.warn = lambda *args, **kwargs: None
        try:
            yield
        finally:
            warnings.warn = warn


@contextmanager
def _trained_side_by_side(featurewiz, n_threads):
    """Let featurewiz have its trainings done by some threads."""
    xgboost = featurewiz.xgb
    pool = ThreadPoolExecutor(n_threads)
    featurewiz.xgb = _SideBySide(xgboost, pool, n_threads)
    try:
        yield
    finally:
        featurewiz.xgb = xgboost
        pool.shutdown(cancel_futures=True)


class _SideBySide:
    """Stands for XGBoost in featurewiz, and starts all trainings when it is asked for the first.

    featurewiz asks for one after the other, though none depends on another, and for each with all
    cores, which on a small table wait for each other more than they work.
    """

    def __init__(self, xgboost, pool, n_threads):
        self._xgboost, self._pool, self._n_threads = xgboost, pool, n_threads
        self._trainings: dict = {}

    def set_config(self, verbosity):
        """Leave the verbosity of the process as it is; featurewiz gives each training its own."""

    def DMatrix(self, data, label, enable_categorical, feature_names):
        return data, label

    def train(self, params, songs, num_boost_round):
        data, label = songs
        n_columns = data.shape[1]
        if not self._trainings:
            # as in featurewiz: five trainings, or as many as leave two columns out each time
            starts = range(0, n_columns - 1, 2 if n_columns <= 10 else int(n_columns / 5 + 0.5))
            params = {**params, "nthread": max(1, self._n_threads // len(starts))}
            self._trainings = {
                n_columns - start: self._pool.submit(
                    self._train, params, data.iloc[:, start:], label, num_boost_round
                )
                for start in starts
            }
        return self._trainings[n_columns].result()

    def _train(self, params, data, label, num_boost_round):
        songs = self._xgboost.DMatrix(data, label, feature_names=data.columns.tolist())
        return self._xgboost.train(params, songs, num_boost_round=num_boost_round)


class _NothingToPrepare:
    """Stands for the transformer that makes numbers of a frame, which a table of floats is."""

    def fit_transform(self, X, y):
        return X, y


class _Tee(io.TextIOBase):
    """Text written to it goes to two files."""

    def __init__(self, *files):
        self._files = files

    def write(self, text):
        for file in self._files:
            file.write(text)
        return len(text)
