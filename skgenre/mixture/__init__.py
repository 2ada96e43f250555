"""Genres as mixtures of distributions."""

from ._gaussian_mixture import GaussianMixtureClassifier

__all__ = ["GaussianMixtureClassifier"]
