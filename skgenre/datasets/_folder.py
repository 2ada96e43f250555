import os
import unicodedata
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._names import join_some, printable
from ._walk import (
    UNKNOWN_ENDING,
    describe_left_out,
    existing_folder,
    explain_silence,
    find_songs,
    list_folder,
    real_path,
)

_BESIDE = "not in the folder of a genre"


def load_genre_folder(root, *, genres=None):
    """List the songs of a folder that has one sub-folder per genre.

    Parameters
    ----------
    root : str or path-like
        The folder. Each sub-folder is a genre, and all audio files below it, at any depth, are
        songs of that genre. Symbolic links to folders are followed.
    genres : sequence of str, default=None
        Load only these genres. ``None`` loads all of them.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by genre and name. They are not opened.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each song: the folder's name without leading and trailing spaces. Folder
            names that differ only in Unicode composition count as one genre.
        target_names : list of str
            The genres, sorted.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or none of its genres has an audio file.
    NotADirectoryError
        If ``root`` is a file.
    PermissionError
        If the folder cannot be read.
    ValueError
        If ``genres`` is not a list of names, or one of them has no songs.

    Warns
    -----
    UserWarning
        If files or genres were skipped, with the reason for each: files with an extension that no
        decoder reads, unreadable folders, broken links, audio files outside the genre folders, and
        genres without songs. Hidden files, pictures, playlists, text files and the like are skipped
        silently.

    See Also
    --------
    load_gtzan : Loads GTZAN, with artists, titles and splits.
    load_music_library : Also reads artists, and genres from tags.

    Examples
    --------
    >>> import os, tempfile, numpy as np, soundfile as sf
    >>> from skgenre.datasets import load_genre_folder
    >>> root = tempfile.mkdtemp()
    >>> for genre in ("blues", "jazz"):
    ...     os.mkdir(os.path.join(root, genre))
    ...     sf.write(os.path.join(root, genre, "song.wav"), np.zeros(22050), 22050)
    >>> data = load_genre_folder(root)
    >>> data.target_names, len(data.paths)
    (['blues', 'jazz'], 2)
    """
    root = existing_folder(root, "Give a folder that holds one folder of audio files per genre.")
    wanted = wanted_genres(genres)
    songs_of, left_out, without = find_genres(root, wanted)
    told = "\n".join(filter(None, [describe_left_out(root, left_out), describe_without(without)]))
    check_genres(wanted, songs_of, root, told)
    check_songs(root, songs_of, told)
    if told:
        warnings.warn(told, stacklevel=2)
    songs = [(path, genre) for genre in sorted(songs_of) for path in songs_of[genre]]
    paths, target = map(np.array, zip(*songs, strict=True))
    return Bunch(paths=paths, target=target, target_names=sorted(set(target.tolist())))


def find_genres(root, wanted=None):
    """Find the songs of a folder whose sub-folders are genres.

    Parameters
    ----------
    root : Path
        The folder.
    wanted : set of str or None
        The genres to look for; None means all.

    Returns
    -------
    songs_of : dict of str to list of str
        The songs of each genre that has some, sorted.
    left_out : dict of str to str
        Why other files and folders are not among them.
    without : dict of str to str
        Why the other genres have no song.
    """
    top = list_folder(root)
    left_out = {
        path: reason
        for path, reason in (top.left_out | dict.fromkeys(top.songs, _BESIDE)).items()
        if reason != UNKNOWN_ENDING and _is_wanted(path, wanted)
    }
    real_root = Path(real_path(root))
    closed = [str(folder) for folder in (real_root, *real_root.parents)]
    songs_of: dict[str, list[str]] = {}
    without: dict[str, str] = {}
    for folder in top.folders:
        if _is_wanted(folder, wanted):
            found = find_songs(folder, closed)
            left_out |= found.left_out
            if found.songs:
                songs_of.setdefault(_genre_of(folder), []).extend(found.songs)
            else:
                without[_genre_of(folder)] = explain_silence(found)
    for songs in songs_of.values():
        songs.sort(key=lambda song: Path(song).parts)
    return songs_of, left_out, {g: why for g, why in without.items() if g not in songs_of}


def check_songs(root, songs, told):
    """Refuse a folder without songs in its folders of genres."""
    if not songs:
        raise FileNotFoundError(
            f"No audio file in the sub-folders of {printable(root)}. Each sub-folder is a genre, "
            f"and holds its songs.{told and f' {told}'}"
        )


def describe_without(without):
    """Return a line that names the genres without a song, and why they have none."""
    if not without:
        return ""
    names = [f"{printable(genre)} ({why})" for genre, why in sorted(without.items())]
    return f"No song was found of {join_some(names)}."


def wanted_genres(genres):
    """Return the genres that are asked for as a set, or None for all."""
    if genres is None:
        return None
    is_list = isinstance(genres, Collection) and not isinstance(genres, str) and len(genres)
    if not is_list or not all(isinstance(genre, str) for genre in genres):
        raise ValueError(f"genres must be a list of genres, got {genres!r}")
    return {_clean(genre) for genre in genres}


def check_genres(wanted, found, root, told=""):
    """Refuse genres that were asked for and not found."""
    missing = sorted((wanted or set()) - set(found))
    if missing:
        raise ValueError(f"{printable(root)} has no song of {missing}.{told and f' {told}'}")


def _genre_of(folder):
    """Return the genre that a folder stands for by its name."""
    return _clean(os.path.basename(folder))


def _clean(name):
    return unicodedata.normalize("NFC", name).strip() or name


def _is_wanted(folder, wanted):
    return wanted is None or _genre_of(folder) in wanted
