"""Nets as classifiers of songs."""

from ._ann import KerasANNClassifier
from ._cnn import KerasCNNClassifier

__all__ = ["KerasANNClassifier", "KerasCNNClassifier"]
