"""Trained classifiers as files without code, for every runtime of ONNX."""

from ._classifier import OnnxGenreClassifier, load_model

__all__ = ["OnnxGenreClassifier", "load_model"]
