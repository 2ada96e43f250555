"""Trained classifiers as files without code, for every runtime of ONNX."""
