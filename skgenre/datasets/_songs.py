"""Songs with their genres and artists, wherever these were read."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from operator import eq
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._names import join_some, printable
from ._artists import name_groups
from ._folder import check_genres
from ._genre_names import MAPPED_TO_NONE, UNWANTED
from ._walk import describe_left_out

_SAME_FILE = "the same file as another song"


@dataclass
class Song:
    """A song, and what is known of it.

    Attributes
    ----------
    path : str
        Its file.
    genres : list of str
        Its genres, by any names; the first is the most important one.
    parts : list of str
        Names that may be meant by parts of these names.
    artist, album, title : str or None
        As the tags, folders or table have them.
    reason : str
        Why there is no genre.
    """

    path: str
    genres: list[str]
    parts: list[str] = field(default_factory=list)
    artist: str | None = None
    album: str | None = None
    title: str | None = None
    reason: str = ""


def assemble(source, songs, left_out, names, min_songs, told=""):
    """Return songs as a Bunch, as `load_music_library` does, and what is to be told of them.

    Parameters
    ----------
    source : path
        Where they come from.
    songs : list of Song
        All songs.
    left_out : dict of str to str
        Why other files were left out, by path.
    names : GenreNames
        The genres that are asked for.
    min_songs : int
        How many songs a genre must have.
    told : str
        What is to be told beside what was left out.
    """
    kept: dict[str, tuple[Song, str]] = {}
    left_out = dict(left_out)
    for song in songs:
        target, why = names.choose(song.genres, song.parts) if song.genres else (None, song.reason)
        if target is None:
            left_out[song.path] = why
        else:
            kept[song.path] = song, target
    for path in _find_repeated(kept):
        left_out[path] = _SAME_FILE
        del kept[path]
    spelled = names.spell([target for _, target in kept.values()])
    genre_of = dict(zip(kept, spelled, strict=True))
    counts = Counter(spelled)
    small = sorted(genre for genre, count in counts.items() if count < min_songs)
    for path, genre in genre_of.items():
        if genre in small:
            left_out[path] = f"its genre has fewer than {min_songs} songs"
            del kept[path]
    unasked = {path: why for path, why in left_out.items() if why not in (UNWANTED, MAPPED_TO_NONE)}
    lines = [describe_left_out(source, unasked), told]
    if small:
        counted = join_some([f"{printable(genre)} ({counts[genre]})" for genre in small])
        lines.append(f"Genres with fewer than {min_songs} songs: {counted}.")
    if unmet := [printable(name) for name in names.unmet()]:
        lines.append(f"No song is of these genres of the map: {join_some(unmet)}.")
    told = "\n".join(filter(None, lines))
    wanted = None if names.wanted is None else set(names.wanted.values())
    check_genres(wanted, counts, source, told)
    if not kept:
        why = "\n".join(filter(None, [describe_left_out(source, left_out), *lines[1:]]))
        raise ValueError(f"{printable(source)} has no song that can be used. {why}")
    return _bunch([song for song, _ in kept.values()], genre_of, left_out), told


def _bunch(songs, genre_of, left_out):
    songs = sorted(songs, key=lambda song: (genre_of[song.path], Path(song.path).parts))
    paths = np.array([song.path for song in songs])
    artist, album, title = (
        np.array([getattr(song, name) for song in songs] + [None], dtype=object)[:-1]
        for name in ("artist", "album", "title")
    )
    albums = name_groups([name and f"album {name}" for name in album], paths)
    target = np.array([genre_of[path] for path in paths])
    reasons = sorted(left_out.items())
    return Bunch(
        paths=paths,
        target=target,
        target_names=sorted(set(target.tolist())),
        groups=name_groups(artist, albums),
        artist=artist,
        album=album,
        title=title,
        left_out=Bunch(
            paths=np.array([path for path, _ in reasons], dtype=str),
            reasons=np.array([reason for _, reason in reasons], dtype=str),
        ),
    )


def _find_repeated(paths):
    """Return paths of files that have another name among the paths."""
    names: dict[tuple[int, int], list[str]] = {}
    for path in paths:
        with suppress(OSError):
            status = os.stat(path)
            names.setdefault((status.st_dev, status.st_ino), []).append(path)
    return [
        path
        for repeated in names.values()
        if len(repeated) > 1
        for path in sorted(repeated, key=_count_links)[1:]
    ]


def _count_links(path):
    """Return how many names in a path, up to the last link, are not those of the real one."""
    own, real = Path(path).parts[::-1], Path(os.path.realpath(path)).parts[::-1]
    n_same = sum(1 for _ in takewhile(bool, map(eq, own, real)))
    return len(own) - n_same, path
