import warnings
from functools import lru_cache, wraps
from importlib import metadata

from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from ._parts import pack, unpack
from ._sklearn import _fit_context

# Whose versions a pickle notes.
_PACKAGES = (
    "skgenre",
    "scikit-learn",
    "numpy",
    "scipy",
    "numba",
    "librosa",
    "onnxruntime",
    "keras",
    "tensorflow",
    "torch",
    "transformers",
)
_NOT_INSTALLED = "unknown"


@lru_cache
def _installed_version(package):
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return _NOT_INSTALLED


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


def fit_context(*, prefer_skip_nested_validation):
    """Decorate a fit method, as scikit-learn does, so that one that fails has changed nothing.

    The estimator is then what it was: fitted as before, or not fitted. This holds for every
    exception, a `KeyboardInterrupt` too. What a fit changes in place it has to give back itself.

    Parameters
    ----------
    prefer_skip_nested_validation : bool
        Whether the parameters of estimators inside this one need no validation.
    """

    def decorate(fit):
        validated_fit = _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)(
            fit
        )

        @wraps(fit)
        def fit_or_change_nothing(estimator, *args, **kwargs):
            before = dict(vars(estimator))
            try:
                return validated_fit(estimator, *args, **kwargs)
            except BaseException:
                for name in vars(estimator).keys() - before.keys():
                    delattr(estimator, name)
                vars(estimator).update(before)
                raise

        return fit_or_change_nothing

    return decorate


class OtherVersionsWarning(InconsistentVersionWarning):
    """A pickle was made with other versions of packages than there are here.

    Attributes
    ----------
    differences : dict of (str, str)
        By the name of the package, the version that the pickle was made with, and the one here.
    """

    def __init__(self, differences):
        made_with, here = differences.get("scikit-learn", (None, None))
        super().__init__(
            estimator_name="skgenre",
            original_sklearn_version=made_with,
            current_sklearn_version=here,
        )
        self.differences = differences

    def __str__(self):
        listed = ", ".join(
            f"{package} {made_with} ({'not installed' if here == _NOT_INSTALLED else here} here)"
            for package, (made_with, here) in self.differences.items()
        )
        return (
            f"This pickle was made with {listed}. Its answers may have changed: install those "
            "versions, or fit again here and save it anew."
        )


class _Stamp:
    """The versions that a pickle was made with.

    All estimators have the same stamp when they are pickled, so that a pickle holds it once, and
    those that are loaded together warn once.
    """

    def __init__(self, made_with):
        self._made_with, self._has_warned = made_with, False

    def __reduce__(self):
        here = installed_versions(_PACKAGES)
        return _Stamp, ({name: here[name] for name in here if here[name] != _NOT_INSTALLED},)

    def check(self, packages):
        """Warn, the first time that one of the packages has another version here."""
        here = installed_versions(self._made_with)
        differences = {
            package: (made_with, here[package])
            for package, made_with in self._made_with.items()
            if _release(made_with) != _release(here[package])
        }
        if not self._has_warned and not differences.keys().isdisjoint(packages):
            self._has_warned = True
            warnings.warn(OtherVersionsWarning(differences), stacklevel=3)


def _release(version):
    """Return a version without what tells builds apart, such as ``"+cpu"``."""
    return version.partition("+")[0]


_HERE = _Stamp({})


class VersionedEstimator(BaseEstimator):
    """An estimator whose pickle knows the versions it was made with, and warns on others."""

    _stamped_packages: tuple[str, ...] = ("skgenre", "scikit-learn", "numpy")

    def __getstate__(self):
        return {**pack(super().__getstate__()), "_made_with": _HERE}

    def __setstate__(self, state):
        state = dict(state)
        stamp = state.pop("_made_with", _HERE)
        # the first pickles of version 0.1.0 have a plain dictionary in each estimator
        stamp = _Stamp(stamp) if isinstance(stamp, dict) else stamp
        stamp.check(self._stamped_packages)
        super().__setstate__(unpack(state))
