from ._card import model_card
from ._classifier import OnnxGenreClassifier, load_model
from ._export import export_model

__all__ = ["OnnxGenreClassifier", "export_model", "load_model", "model_card"]
