"""Which branches of a unified model learn from genres."""

import inspect

from sklearn.base import is_classifier
from sklearn.feature_selection import SelectorMixin, VarianceThreshold


def learns_from_genres(estimator):
    """Tell whether an estimator or a part of it classifies, selects, or needs y in fit."""
    parts = [estimator, *estimator.get_params(deep=True).values()]
    return any(
        is_classifier(part) or _selects(part) or _needs_y(part)
        for part in parts
        if hasattr(part, "fit") and not isinstance(part, type)
    )


def _selects(estimator):
    return isinstance(estimator, SelectorMixin) and not isinstance(estimator, VarianceThreshold)


def _needs_y(estimator):
    y = inspect.signature(estimator.fit).parameters.get("y")
    return y is not None and y.default is inspect.Parameter.empty
