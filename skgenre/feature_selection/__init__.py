"""Features to fewer features."""

from ._featurewiz import FeatureWizSelector

__all__ = ["FeatureWizSelector"]
