"""Waveforms to features."""

from ._descriptors import AudioDescriptorTransformer
from ._mel import MelSpectrogramTransformer
from ._mfcc import MFCCSegmenter

__all__ = ["AudioDescriptorTransformer", "MFCCSegmenter", "MelSpectrogramTransformer"]
