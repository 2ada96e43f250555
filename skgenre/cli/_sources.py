"""Songs to learn from and to be judged on: folders of genres, tagged libraries, tables."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .._names import printable
from ._words import count

Source = Annotated[
    Path,
    typer.Argument(
        help="A folder of songs, or a CSV file with the columns path, genre and artist."
    ),
]

# as many as the protocol with artists apart
_N_FOLDS = 5


class GenreFrom(StrEnum):
    """Where the genres of songs stand."""

    FOLDER = "folder"
    TAG = "tag"
    CSV = "csv"


class ArtistFrom(StrEnum):
    """Where the artists of songs stand."""

    TAG = "tag"
    FOLDER = "folder"
    NONE = "none"


GenreOption = Annotated[
    GenreFrom | None,
    typer.Option(
        "--genre-from",
        help="Where genres come from: folder names, tags, or the CSV file SOURCE. The default "
        "for a folder is its folder names.",
    ),
]
ArtistOption = Annotated[
    ArtistFrom, typer.Option("--artist-from", help="Where artists come from, for a folder.")
]

Duration = Annotated[
    float,
    typer.Option(help="Seconds to use from the start of each song.", min=0.1, max=3600),
]


Seed = Annotated[
    int, typer.Option(help="The same seed gives the same results.", min=0, max=2**32 - 1)
]


def read_songs(source, genre_from, artist_from, genre_map):
    """Return the songs of a folder or table: ``paths``, ``target`` and ``groups``.

    ``groups`` is None where no artist is known.
    """
    from ..datasets import load_music_library
    from ..datasets._library import read_song_table

    if genre_from is GenreFrom.CSV or (genre_from is None and source.is_file()):
        songs = read_song_table(source, genre_map=genre_map)
    else:
        artist = None if artist_from is ArtistFrom.NONE else artist_from.value
        genre = (genre_from or GenreFrom.FOLDER).value
        songs = load_music_library(source, genre=genre, artist=artist, genre_map=genre_map)
    if not any(songs.artist) and not any(songs.album):
        songs.groups = None
    return songs


def choose_protocols(songs):
    """Return how songs are divided: artists apart where they are known, else songs at random."""
    from sklearn.model_selection import StratifiedKFold

    if songs.groups is not None:
        return ["artist"]
    return {"songs": StratifiedKFold(_N_FOLDS, shuffle=True, random_state=0)}


def explain_too_few(songs):
    """Return why so few songs cannot be divided, or nothing."""
    _, counts = np.unique(songs.target, return_counts=True)
    if songs.groups is not None and len(np.unique(songs.groups)) < _N_FOLDS:
        return f"it takes songs by {_N_FOLDS} artists or more"
    return "" if counts.max() >= _N_FOLDS else f"it takes {_N_FOLDS} songs of a genre or more"


def check_recipe(name):
    """Refuse a recipe that needs more than a command can give it."""
    if name == "metadata":
        raise ValueError("The recipe metadata also needs titles, and works from Python only")


def keep_readable(songs, fit):
    """Call a function of paths, genres and groups until it meets no file that cannot be read.

    Returns
    -------
    result : object
        What the function returned.
    songs : Bunch
        Those that could be read.
    failures : dict of str to str
        Why the others could not.

    Raises
    ------
    ValueError
        If there are no songs of two genres left.
    """
    from sklearn.utils import Bunch

    from ..audio import AudioError

    failures: dict[str, str] = {}
    while True:
        is_good = np.array([str(path) not in failures for path in songs.paths])
        kept = Bunch(
            paths=songs.paths[is_good],
            target=songs.target[is_good],
            groups=None if songs.groups is None else songs.groups[is_good],
        )
        if len(np.unique(kept.target)) < 2:
            raise ValueError(_explain_lack(songs, kept, failures))
        try:
            return fit(kept), kept, failures
        except AudioError as error:
            known = len(failures)
            failures |= {str(path): reason for path, reason in error.failures.items()}
            if len(failures) == known:
                raise


def _explain_lack(songs, kept, failures):
    told = [f"Songs of two genres or more are needed; found {count(len(songs.paths), 'song')}"]
    told += [f"all that can be read are of {printable(genre)}" for genre in kept.target[:1]]
    for path, reason in list(failures.items())[:1]:
        told.append(f"{len(failures)} cannot be read, such as {printable(path)}: {reason}")
    return "; ".join(told)
