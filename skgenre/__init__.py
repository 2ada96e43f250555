"""Classify the genre of music from its audio, with scikit-learn.

Songs go in, as paths or waveforms, and genres come out. Everything in between is a scikit-learn
estimator. Modules are imported when they are first used, so importing the package is fast.
"""

from importlib.metadata import version as _version

import lazy_loader as _lazy

__version__ = _version("skgenre")
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
