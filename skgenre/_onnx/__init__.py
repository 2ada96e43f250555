"""Nets in ONNX files: what is refused, sessions of onnxruntime, and what the nets hear."""
