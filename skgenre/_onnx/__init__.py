"""Nets in ONNX files: what is refused, and sessions of onnxruntime."""
