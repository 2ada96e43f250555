import os
import unicodedata
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from .._names import printable
from ._walk import (
    UNKNOWN_ENDING,
    describe_left_out,
    existing_folder,
    find_songs,
    list_folder,
)

_BESIDE = "beside the folders of the genres"


def load_genre_folder(root, *, genres=None):
    """List the songs of a folder whose sub-folders are genres.

    Parameters
    ----------
    root : str or path-like
        The folder. Each sub-folder is a genre; audio files anywhere below it are its songs. Links
        to folders are followed.
    genres : sequence of str, default=None
        List songs of these genres only; None means all.

    Returns
    -------
    data : Bunch
        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by genre and name. They are not opened.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each: the name of the folder, without blanks at its ends. Folders whose
            names differ only in how Unicode composes letters are one genre.
        target_names : list of str
            The genres, sorted.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or no genre in it has an audio file.
    NotADirectoryError
        If it is a file.
    PermissionError
        If it may not be read.
    ValueError
        If one of ``genres`` has none.

    Warns
    -----
    UserWarning
        If anything was left out: files whose ending no decoder reads, folders that may not be read,
        links to nothing, audio files beside the folders of the genres, and genres without a song.
        Hidden files, pictures, playlists, texts and the like are passed over in silence.

    See Also
    --------
    load_gtzan : The same for GTZAN, with artists, titles and splits.

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
    top = list_folder(root)
    left_out = {
        path: reason
        for path, reason in (top.left_out | dict.fromkeys(top.songs, _BESIDE)).items()
        if reason != UNKNOWN_ENDING and _is_wanted(path, wanted)
    }
    real_root = Path(os.path.realpath(root))
    closed = [str(folder) for folder in (real_root, *real_root.parents)]
    songs_of: dict[str, list[str]] = {}
    for folder in top.folders:
        if _is_wanted(folder, wanted):
            found = find_songs(folder, closed)
            songs_of.setdefault(_genre_of(folder), []).extend(found.songs)
            left_out |= found.left_out
    told = describe_left_out(root, left_out)
    without = sorted(genre for genre, songs in songs_of.items() if not songs)
    check_genres(wanted, {genre for genre, songs in songs_of.items() if songs}, root, told)
    if len(without) == len(songs_of):
        raise FileNotFoundError(
            f"No audio file in the sub-folders of {printable(root)}. Each sub-folder is a genre, "
            f"and holds its songs.{told and f' {told}'}"
        )
    if without:
        names = ", ".join(map(printable, without))
        told = f"{told}\nNo song was found of {names}.".lstrip()
    if told:
        warnings.warn(told, stacklevel=2)
    songs = [
        (path, genre)
        for genre in sorted(songs_of)
        for path in sorted(songs_of[genre], key=lambda song: Path(song).parts)
    ]
    paths, target = map(np.array, zip(*songs, strict=True))
    return Bunch(paths=paths, target=target, target_names=sorted(set(target.tolist())))


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
    missing = sorted((wanted or set()) - found)
    if missing:
        raise ValueError(f"{printable(root)} has no song of {missing}.{told and f' {told}'}")


def _genre_of(folder):
    """Return the genre that a folder stands for by its name."""
    return _clean(os.path.basename(folder))


def _clean(name):
    return unicodedata.normalize("NFC", name).strip() or name


def _is_wanted(folder, wanted):
    return wanted is None or _genre_of(folder) in wanted
