"""The files that a command is given: by name, in folders, or on standard input."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Audio files and folders of them; - reads paths from standard input.",
    ),
]
NullSeparated = Annotated[
    bool,
    typer.Option("--null", "-0", help="Paths on standard input end in a null byte, not a newline."),
]


def list_songs(given, *, null=False):
    """Return the files that are meant, and why what is in folders is left out, by path.

    A file is taken whatever its ending; of a folder, what has an ending that some decoder reads.
    Each path comes once, however it is written.

    Raises
    ------
    FileNotFoundError
        If there is no file at all.
    """
    from ..datasets._walk import find_songs

    songs: list[str] = []
    left_out: dict[str, str] = {}
    for path in _with_standard_input(given, null):
        if os.path.isdir(path):
            found = find_songs(path)
            songs += found.songs
            left_out |= found.left_out
        else:
            songs.append(path)
    by_place: dict[str, str] = {}
    for song in songs:
        by_place.setdefault(os.path.abspath(song), song)
    songs = [_no_formula(song) for song in by_place.values()]
    if not songs:
        places = ["what standard input names" if path == "-" else path for path in given]
        raise FileNotFoundError(f"No audio file in {', '.join(places)}")
    return songs, left_out


def _with_standard_input(given, null):
    for path in given:
        if path == "-":
            text = sys.stdin.read().removeprefix("\ufeff")
            yield from filter(None, text.split("\0") if null else text.splitlines())
        else:
            yield path


def _no_formula(path):
    """Return the path of the same file that a spreadsheet does not take for a formula."""
    return os.path.join(".", path) if path[:1] in "=+-@" and not Path(path).is_absolute() else path
