"""Splits that keep artists apart, checks for leakage, and comparisons with intervals."""

from ..datasets._artists import artist_groups
from ._compare import compare_classifiers
from ._leakage import LeakageError, check_leakage
from ._splits import GTZANFilteredSplit, RepeatedStratifiedGroupKFold
from ._summary import summarize

__all__ = [
    "GTZANFilteredSplit",
    "LeakageError",
    "RepeatedStratifiedGroupKFold",
    "artist_groups",
    "check_leakage",
    "compare_classifiers",
    "summarize",
]
