"""Waveforms to features."""

from ._descriptors import AudioDescriptorTransformer
from ._mel import MelSpectrogramTransformer
from ._mfcc import MFCCSegmenter
from ._wav2vec import Wav2VecEmbedder

__all__ = [
    "AudioDescriptorTransformer",
    "MFCCSegmenter",
    "MelSpectrogramTransformer",
    "Wav2VecEmbedder",
]
