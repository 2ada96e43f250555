"""Nets as classifiers of songs."""

from ._ann import KerasANNClassifier
from ._cnn import KerasCNNClassifier
from ._rnn import KerasRNNClassifier

__all__ = ["KerasANNClassifier", "KerasCNNClassifier", "KerasRNNClassifier"]
