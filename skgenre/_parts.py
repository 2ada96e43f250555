"""scikit-learn's estimators inside ours, as a pickle holds them.

Each estimator of scikit-learn warns on its own when it is loaded by another version. Those inside
ours need not: ours tell the versions of all, once.
"""

from weakref import WeakValueDictionary

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

_parts: WeakValueDictionary = WeakValueDictionary()


class _Part:
    """Stands for an estimator in what is pickled; what is loaded is the estimator again."""

    def __init__(self, estimator):
        self.estimator = estimator

    def __reduce__(self):
        state = {**self.estimator.__getstate__()}
        state.pop("_sklearn_version", None)
        return _restore, (type(self.estimator), pack(state))


def _restore(kind, state):
    estimator = kind.__new__(kind)
    estimator.__setstate__({**state, "_sklearn_version": sklearn.__version__})
    return estimator


def pack(value):
    """Return a value with each of scikit-learn's estimators in it as a part."""
    if isinstance(value, BaseEstimator) and type(value).__module__.startswith("sklearn."):
        # one part for one estimator, so that a pickle holds it once
        part = _parts.get(id(value))
        if part is None:
            part = _parts[id(value)] = _Part(value)
        return part
    return _map(pack, value)


def unpack(value):
    """Return a value with each part in it as its estimator: a shallow copy has parts."""
    return value.estimator if isinstance(value, _Part) else _map(unpack, value)


def _map(function, value):
    """Return a container of what a function gives for its elements; as it is if it has no parts."""
    if type(value) in (dict, Bunch):
        mapped = {key: function(element) for key, element in value.items()}
        is_same = all(mapped[key] is value[key] for key in value)
        return value if is_same else type(value)(**mapped)
    if type(value) in (list, tuple):
        elements = [function(element) for element in value]
        is_same = all(new is old for new, old in zip(elements, value, strict=True))
        return value if is_same else type(value)(elements)
    if isinstance(value, np.ndarray) and value.dtype == object:
        of_objects = np.empty(value.shape, dtype=object)
        for place, element in np.ndenumerate(value):
            of_objects[place] = function(element)
        return of_objects
    return value
