"""The classifier of a model file, with less to import.

scikit-learn imports `scipy.stats`, which takes a third of the time of `skgenre predict` although
nothing in it is called to classify songs. Here it is loaded when it is first used. Commands that
train models load it at once: before Python 3.12.3, LazyLoader fails when two threads are the first
to use a module at the same time.
"""

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import PathFinder
from importlib.util import LazyLoader

_DEFERRED = "scipy.stats"


def open_classifier(model):
    """Return what `skgenre.load_model` returns."""
    finder = _Deferring()
    sys.meta_path.insert(0, finder)
    try:
        from ..persistence import load_model

        return load_model(model)
    finally:
        sys.meta_path.remove(finder)


class _Deferring(MetaPathFinder):
    """Finds one module, and has it loaded when it is first used."""

    def find_spec(self, fullname, path, target=None):
        if fullname != _DEFERRED:
            return None
        spec = PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
