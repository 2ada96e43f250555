"""Plots of songs, of training, and of what predictions depend on."""

from ._comparison import ComparisonDisplay
from ._mel_spectrogram import MelSpectrogramDisplay
from ._occlusion import explain_segment
from ._occlusion_display import OcclusionDisplay
from ._precision_coverage import PrecisionCoverageDisplay
from ._reliability import ReliabilityDisplay
from ._segment_timeline import SegmentTimelineDisplay
from ._tags import TagDisplay
from ._training_history import TrainingHistoryDisplay

__all__ = [
    "ComparisonDisplay",
    "MelSpectrogramDisplay",
    "OcclusionDisplay",
    "PrecisionCoverageDisplay",
    "ReliabilityDisplay",
    "SegmentTimelineDisplay",
    "TagDisplay",
    "TrainingHistoryDisplay",
    "explain_segment",
]
