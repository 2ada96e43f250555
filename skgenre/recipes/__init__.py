"""Ready-made pipelines by name, from the literature and our own."""

from ._make import make_genre_classifier
from ._steps import RECIPES, _fill_gaps

# _fill_gaps is what pickles look for here
__all__ = ["RECIPES", "_fill_gaps", "make_genre_classifier"]
