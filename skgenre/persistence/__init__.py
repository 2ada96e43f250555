"""Trained classifiers as files without code, for every runtime of ONNX."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
