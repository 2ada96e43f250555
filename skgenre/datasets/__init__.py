"""Songs with their genres, from folders, music libraries and a generator."""

from ._folder import load_genre_folder
from ._gtzan import load_gtzan
from ._library import load_music_library
from ._synthetic import make_genre_clips

__all__ = ["load_genre_folder", "load_gtzan", "load_music_library", "make_genre_clips"]
