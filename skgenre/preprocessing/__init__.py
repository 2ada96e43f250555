"""Features to other features."""

from ._scaler import SpectrogramScaler
from ._summarizer import SegmentSummarizer

__all__ = ["SegmentSummarizer", "SpectrogramScaler"]
