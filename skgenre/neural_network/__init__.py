"""Neural networks that train on segments and classify songs."""

import sys

from . import architectures
from ._ann import KerasANNClassifier
from ._cnn import KerasCNNClassifier
from ._rnn import KerasRNNClassifier
from ._wav2vec import Wav2VecClassifier

__all__ = ["KerasANNClassifier", "KerasCNNClassifier", "KerasRNNClassifier", "Wav2VecClassifier"]

# where pickles made before there was `architectures` look for the functions
for _name in ("_convolutional_nets", "_dense_nets", "_recurrent_nets"):
    sys.modules[f"{__name__}.{_name}"] = architectures
