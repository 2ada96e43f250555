"""Classifiers made of classifiers."""

from ._voting import SegmentVotingClassifier

__all__ = ["SegmentVotingClassifier"]
