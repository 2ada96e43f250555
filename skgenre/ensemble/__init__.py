"""Classifiers made of other classifiers."""

from ._selective import SelectiveClassifier
from ._stacking import GroupStackingClassifier
from ._unified import UnifiedGenreClassifier
from ._voting import SegmentVotingClassifier

__all__ = [
    "GroupStackingClassifier",
    "SegmentVotingClassifier",
    "SelectiveClassifier",
    "UnifiedGenreClassifier",
]
