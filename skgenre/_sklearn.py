"""What scikit-learn has since 1.6; for 1.5 it comes from sklearn-compat.

That package loads scikit-learn's checks of estimators and, with them, most of scikit-learn, which
takes half a second.
"""

from sklearn.base import _fit_context

try:
    from sklearn.utils import get_tags
    from sklearn.utils.validation import check_array, validate_data
except ImportError:
    from sklearn_compat.utils import get_tags
    from sklearn_compat.utils.validation import check_array, validate_data

__all__ = ["_fit_context", "check_array", "get_tags", "validate_data"]
