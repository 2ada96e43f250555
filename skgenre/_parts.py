"""What is scikit-learn's inside our estimators, as a pickle holds it.

Each estimator of scikit-learn warns on its own when it is loaded by another version. Those inside
ours need not: ours tell the versions of all, once.
"""

from copy import deepcopy
from weakref import WeakValueDictionary

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

_parts: WeakValueDictionary = WeakValueDictionary()


class _Part:
    """Stands for an object of scikit-learn in what is pickled; what is loaded is the object."""

    def __init__(self, value):
        self.value = value

    def __reduce__(self):
        state = dict(self.value.__getstate__())
        state.pop("_sklearn_version", None)
        # made before its state is, which may lead back to it
        return _create, (type(self.value),), pack(state), None, None, _set_state

    def __deepcopy__(self, memo):
        return _Part(deepcopy(self.value, memo))


def _create(kind):
    return kind.__new__(kind)


def _set_state(value, state):
    if isinstance(value, BaseEstimator):
        state = {**state, "_sklearn_version": sklearn.__version__}
    if hasattr(value, "__setstate__"):
        value.__setstate__(state)
    else:
        vars(value).update(state)


def pack(value):
    """Return a value in which parts stand for the objects of scikit-learn."""
    if not _is_of_sklearn(value):
        return _map(pack, value)
    # one part for one object, so that a pickle holds it once
    part = _parts.get(id(value))
    if part is None:
        part = _parts[id(value)] = _Part(value)
    return part


def _is_of_sklearn(value):
    """Tell an object of scikit-learn that is pickled by its attributes."""
    kind = type(value)
    return (
        kind.__module__.startswith("sklearn.")
        and kind.__reduce__ is object.__reduce__
        and kind.__reduce_ex__ is object.__reduce_ex__
        and not isinstance(value, dict)
        and isinstance(value.__getstate__(), dict)
    )


def unpack(value):
    """Return a value with the objects for the parts: what is copied, not pickled, has parts."""
    return value.value if isinstance(value, _Part) else _map(unpack, value)


def _map(function, value):
    """Return a container of what a function gives for its elements; as it is if it has no parts."""
    if type(value) in (dict, Bunch):
        mapped = {key: function(element) for key, element in value.items()}
        if all(mapped[key] is value[key] for key in value):
            return value
        return mapped if type(value) is dict else Bunch(**mapped)
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
