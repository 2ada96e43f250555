"""Nets as classifiers of songs."""

from ._ann import KerasANNClassifier
from ._cnn import KerasCNNClassifier
from ._rnn import KerasRNNClassifier
from ._wav2vec import Wav2VecClassifier

__all__ = ["KerasANNClassifier", "KerasCNNClassifier", "KerasRNNClassifier", "Wav2VecClassifier"]
