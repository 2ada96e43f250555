"""Selection of the features that help."""

from ._featurewiz import FeatureWizSelector

__all__ = ["FeatureWizSelector"]
