"""Waveforms to features."""

from ._mel import MelSpectrogramTransformer
from ._mfcc import MFCCSegmenter

__all__ = ["MFCCSegmenter", "MelSpectrogramTransformer"]
