"""Classifiers made of classifiers."""

from ._stacking import GroupStackingClassifier
from ._voting import SegmentVotingClassifier

__all__ = ["GroupStackingClassifier", "SegmentVotingClassifier"]
