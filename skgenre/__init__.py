"""Tell the genre of a piece of music from its audio, with scikit-learn.

Songs go in, as paths or waveforms, genres come out, and everything between is a scikit-learn
estimator. Names load when first used, so that importing the package costs next to nothing.
"""

from importlib.metadata import version as _version

import lazy_loader as _lazy

__version__ = _version("skgenre")
__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
