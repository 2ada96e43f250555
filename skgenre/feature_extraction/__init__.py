"""Transformers from audio to features."""

from ._corpus import extract_corpus
from ._descriptors import AudioDescriptorTransformer
from ._mel import MelSpectrogramTransformer
from ._mfcc import MFCCSegmenter
from ._onnx_embedder import OnnxEmbedder
from ._wav2vec import Wav2VecEmbedder

__all__ = [
    "AudioDescriptorTransformer",
    "MFCCSegmenter",
    "MelSpectrogramTransformer",
    "OnnxEmbedder",
    "Wav2VecEmbedder",
    "extract_corpus",
]
