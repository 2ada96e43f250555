"""Songs with genres: real ones from folders, and invented ones."""

from ._synthetic import make_genre_clips

__all__ = ["make_genre_clips"]
