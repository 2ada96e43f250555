"""Scaling of features, and summaries of segments."""

from ._scaler import SpectrogramScaler
from ._summarizer import SegmentSummarizer

__all__ = ["SegmentSummarizer", "SpectrogramScaler"]
