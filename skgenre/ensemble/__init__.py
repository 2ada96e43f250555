"""Classifiers made of classifiers."""

from ._stacking import GroupStackingClassifier
from ._unified import UnifiedGenreClassifier
from ._voting import SegmentVotingClassifier

__all__ = ["GroupStackingClassifier", "SegmentVotingClassifier", "UnifiedGenreClassifier"]
