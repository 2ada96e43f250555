import warnings
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning


@lru_cache
def _installed_version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def installed_versions(packages):
    """Return the versions of packages, ``"unknown"`` for those that are not installed."""
    return {package: _installed_version(package) for package in packages}


def forget_table(estimator):
    """Drop what an earlier fit on a table noted of its columns."""
    for name in ("n_features_in_", "feature_names_in_"):
        vars(estimator).pop(name, None)


def check_not_empty(X, what):
    """Refuse an X that holds nothing; ``what`` is what it should hold."""
    if not issparse(X) and hasattr(X, "__len__") and getattr(X, "ndim", 1) != 0 and not len(X):
        raise ValueError(f"X is empty; pass one {what} at least")


class VersionedEstimator(BaseEstimator):
    """An estimator whose pickle knows the versions it was made with, and warns on others."""

    _stamped_packages: tuple[str, ...] = ("skgenre", "scikit-learn", "numpy")

    def __getstate__(self):
        stamp = installed_versions(self._stamped_packages)
        return {**super().__getstate__(), "_made_with": stamp}

    def __setstate__(self, state):
        state = dict(state)
        stamp = state.pop("_made_with", {})
        for package, installed in installed_versions(stamp).items():
            made_with = stamp[package]
            if installed != made_with:
                warnings.warn(
                    InconsistentVersionWarning(
                        estimator_name=type(self).__name__,
                        original_sklearn_version=f"{package} {made_with}",
                        current_sklearn_version=f"{package} {installed}",
                    ),
                    stacklevel=2,
                )
        super().__setstate__(state)
