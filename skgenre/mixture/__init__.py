"""Mixture models of genres."""

from ._gaussian_mixture import GaussianMixtureClassifier

__all__ = ["GaussianMixtureClassifier"]
