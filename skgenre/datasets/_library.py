import os
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile
from numbers import Integral
from operator import eq
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._names import printable
from ._artists import is_somebody, name_groups
from ._folder import check_genres, check_songs, describe_without, find_genres
from ._genre_names import MAPPED_TO_NONE, UNWANTED, GenreNames, split_genres
from ._tags import read_tags
from ._walk import describe_left_out, existing_folder, find_songs, join_some

_NO_GENRE = "no genre in its tags"
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


@validate_params(
    {
        "genre": [StrOptions({"folder", "tag"}), callable],
        "artist": [StrOptions({"folder", "tag"}), None],
        "min_songs": [Interval(Integral, 1, None, closed="left")],
    },
    prefer_skip_nested_validation=True,
)
def load_music_library(
    root, *, genre="folder", artist="tag", min_songs=2, genres=None, genre_map=None
):
    """List the songs of a music library with their genres and artists.

    Parameters
    ----------
    root : str or path-like
        The folder. All folders below it are searched, also linked ones.
    genre : {"folder", "tag"} or callable, default="folder"
        Where the genre of a song comes from.

        - "folder": the name of the folder directly below ``root`` that the song is in, at any
          depth, as in ``load_genre_folder``.
        - "tag": the file's own tags: ID3, Vorbis comments, MP4, ASF, APE and what FFmpeg finds in
          other formats. Of several genres it is the first that ``genres`` or ``genre_map`` know,
          or else the first.
        - a callable: is given the path of a song, a str, and returns its genre, or None to leave
          the song out.
    artist : {"tag", "folder"} or None, default="tag"
        Where the artist of a song comes from, by which songs are grouped.

        - "tag": the artist of the album, or of the song where the album has none or is of
          various artists.
        - "folder": the name of a folder that the song is in, at any depth: of the folder
          directly below that of the genre with ``genre="folder"``
          (``root/genre/artist/album/song.mp3``), and else of the folder directly below ``root``
          (``root/artist/album/song.mp3``).
        - None: no artist is known.
    min_songs : int, default=2
        Genres with fewer songs are left out.
    genres : sequence of str, default=None
        List songs of these genres only, named as in ``genre_map`` if it has them; None means all.
    genre_map : mapping of str to str or None, default=None
        Other names for genres, such as ``{"Hip-Hop/Rap": "hiphop", "Podcast": None}``. Songs of a
        genre that maps to None are left out.

    Returns
    -------
    data : Bunch
        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by genre and name. They are opened for their tags only, and may turn
            out not to hold music: see `skgenre.audio.find_faults`.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each.
        target_names : list of str
            The genres, sorted.
        groups : ndarray of shape (n_songs,), dtype str
            For splits that keep artists apart: the artist, without differences in spelling; the
            album where there is no artist; where there is neither, the path, so that the song is a
            group of its own.
        artist, album, title : ndarray of shape (n_songs,), dtype object
            Of each song; None where it is not known.
        left_out : Bunch
            ``paths`` and ``reasons``, ndarrays of what was left out: also the songs of genres that
            ``genres`` or ``genre_map`` do not ask for. Hidden files, pictures, playlists, texts and
            the like are not among them.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or has no audio file.
    NotADirectoryError
        If it is a file.
    PermissionError
        If it may not be read.
    ValueError
        If no song has a genre, or one of ``genres`` has no song.

    Warns
    -----
    UserWarning
        If anything was left out that was not asked to be, with counts, reasons and examples: see
        ``load_genre_folder``; and songs without a genre, the same file under a second name, and
        genres with too few songs.

    See Also
    --------
    load_genre_folder : Genres of folders only, and no artists.
    skgenre.model_selection.compare_classifiers : Takes ``groups`` to keep artists apart.

    Notes
    -----
    Genres are the same if they differ in capitals, blanks and punctuation only, such as "Hip-Hop"
    and "hip hop", or in how they write "and", such as "R&B", "RnB" and "R and B". They are called
    as in ``genre_map`` or ``genres``, or else by the most frequent spelling. ``genres`` and
    ``genre_map`` may use any spelling.

    Several genres in a tag are separate values, or a text with semicolons, or with strokes in
    ID3v2.3 and older. "Hip-Hop/Rap" is one genre; where ``genres`` or ``genre_map`` know "Rap" and
    not "Hip-Hop/Rap", it is that. Numbers, such as "(17)", are genres of ID3v1.

    Examples
    --------
    >>> import os, tempfile, numpy as np, soundfile as sf
    >>> from mutagen.flac import FLAC
    >>> from skgenre.datasets import load_music_library
    >>> root = tempfile.mkdtemp()
    >>> for i, genre in enumerate(["Blues", "blues", "Hip-Hop/Rap", "Hip-Hop"]):
    ...     path = os.path.join(root, f"{i}.flac")
    ...     sf.write(path, np.zeros(22050), 22050)
    ...     song = FLAC(path)
    ...     song["genre"], song["artist"] = genre, f"Artist {i // 2}"
    ...     song.save()
    >>> songs = load_music_library(root, genre="tag", genre_map={"Hip-Hop/Rap": "hip-hop"})
    >>> songs.target.tolist()
    ['Blues', 'Blues', 'hip-hop', 'hip-hop']
    >>> songs.groups.tolist()
    ['artist 0', 'artist 0', 'artist 1', 'artist 1']
    """
    names = GenreNames(genres, genre_map)
    root = existing_folder(root, "Give a folder with music.")
    if genre == "folder":
        songs_of, left_out, without = find_genres(root)
        check_songs(root, songs_of, describe_left_out(root, left_out))
        files = [(path, [name]) for name, paths in songs_of.items() for path in paths]
        told = describe_without(without)
    else:
        found = find_songs(root)
        left_out, told = found.left_out, ""
        if not found.songs:
            why = describe_left_out(root, left_out)
            raise FileNotFoundError(f"No audio file in {printable(root)}.{why and f' {why}'}")
        files = [(path, []) for path in found.songs]
    songs = []
    for path, folders in files:
        tags = read_tags(path)
        song = Song(path, folders, [], tags.artist, tags.album, tags.title)
        if genre == "tag":
            song.genres, song.parts = tags.genres, split_genres(tags.genres)
            song.reason = f"its tags cannot be read ({tags.reason})" if tags.reason else _NO_GENRE
        elif callable(genre):
            song.genres = _called(genre, path)
            song.reason = "`genre` returned None"
        if artist != "tag":
            song.artist = _folder_artist(root, path, genre) if artist == "folder" else None
        songs.append(song)
    data, told = assemble(root, songs, left_out, names, min_songs, told)
    if told:
        warnings.warn(told, stacklevel=3)  # beyond scikit-learn's wrapper
    return data


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
    told = "\n".join(filter(None, lines))
    wanted = None if names.wanted is None else set(names.wanted.values())
    check_genres(wanted, counts, source, told)
    if not kept:
        why = "\n".join([describe_left_out(source, left_out), *lines[1:]]).strip()
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


def _called(genre, path):
    """Return what a callable says of the genre of a song, as a list of at most one name."""
    name = genre(path)
    if not isinstance(name, str):
        if name is None or pd.isna(name) is True:
            return []
        raise TypeError(
            f"`genre` must return the genre as a str, or None, but returned {name!r} for "
            f"{printable(path)}"
        )
    return [name.strip()] if name.strip() else []


def _folder_artist(root, path, genre):
    """Return the artist for whom a folder is named, or None."""
    folders = Path(path).relative_to(root).parts[genre == "folder" : -1]
    return folders[0] if folders and is_somebody(folders[0]) else None
