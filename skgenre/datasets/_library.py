import os
import warnings
from numbers import Integral
from pathlib import Path

import pandas as pd
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

from .._names import printable
from ._artists import is_known
from ._folder import check_songs, describe_without, find_genres
from ._genre_names import GenreNames, split_genres
from ._song_table import read_songs
from ._songs import Song, assemble
from ._tags import clean_text, read_tags
from ._walk import describe_left_out, existing_folder, find_songs

_NO_GENRE = "no genre in its tags"


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
        The folder. All folders below it are searched, including linked ones.
    genre : {"folder", "tag"} or callable, default="folder"
        Where the genre of a song comes from.

        - ``"folder"``: the folder directly below ``root`` that contains the song, at any depth, as
          in `load_genre_folder`.
        - ``"tag"``: the tags of the file, in ID3, Vorbis comments, MP4, ASF, APE or another format
          that FFmpeg reads. If a file has several genres, the first one named in ``genres`` or
          ``genre_map`` is used, or else the first one.
        - a callable: it receives the path of a song as a str and returns the genre, or None to skip
          the song.
    artist : {"tag", "folder"} or None, default="tag"
        Where the artist of a song comes from. Songs are grouped by artist.

        - ``"tag"``: the album artist, or the song's artist if there is no album artist or the album
          is by various artists.
        - ``"folder"``: the folder directly below the genre folder if ``genre="folder"``
          (``root/genre/artist/album/song.mp3``), otherwise the folder directly below ``root``
          (``root/artist/album/song.mp3``).
        - None: artists are not read.
    min_songs : int, default=2
        Skip genres with fewer songs than this.
    genres : sequence of str, default=None
        Load only these genres, under their new names if ``genre_map`` renames them. ``None`` loads
        all of them.
    genre_map : mapping of str to str or None, default=None
        New names for genres, such as ``{"Hip-Hop/Rap": "hiphop", "Podcast": None}``. Songs of a
        genre that maps to None are skipped.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by genre and name. Only their tags are read, so some may turn out to
            be damaged; `skgenre.audio.find_faults` checks them.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each song.
        target_names : list of str
            The genres, sorted.
        groups : ndarray of shape (n_songs,), dtype str
            The groups for splits that keep artists apart: the artist with its spelling unified, or
            else the album, or else the path, which makes the song a group of its own.
        artist, album, title : ndarray of shape (n_songs,), dtype object
            The tags of each song; None where they are unknown.
        left_out : :class:`~sklearn.utils.Bunch`
            The ``paths`` of skipped files and the ``reasons``, as ndarrays, including songs of
            genres that ``genres`` or ``genre_map`` exclude. Hidden files, pictures, playlists, text
            files and the like are not listed.

    Raises
    ------
    FileNotFoundError
        If the folder is missing or has no audio files.
    NotADirectoryError
        If ``root`` is a file.
    PermissionError
        If the folder cannot be read.
    TypeError
        If a callable ``genre`` returns something other than a str or None.
    ValueError
        If no song has a genre, or one of ``genres`` has no songs.

    Warns
    -----
    UserWarning
        If files were skipped that you did not exclude, with counts, reasons and examples. Besides
        what `load_genre_folder` reports, these are songs without a genre, second paths to the same
        file, genres with fewer than ``min_songs`` songs, and names in ``genre_map`` that no song
        has.

    See Also
    --------
    load_genre_folder : Genres from folders only, without artists.
    skgenre.model_selection.compare_classifiers : Takes ``groups`` to keep artists apart.

    Notes
    -----
    Genres count as the same if they differ only in case, spaces and punctuation, such as "Hip-Hop"
    and "hip hop", or in how they write "and", such as "R&B", "RnB" and "R and B". The name in
    ``genre_map`` or ``genres`` wins, or else the most frequent spelling. ``genres`` and
    ``genre_map`` may use any spelling.

    A tag may hold several genres: as separate values, separated by semicolons, or, in ID3v2.3 and
    older, by slashes. "Hip-Hop/Rap" stays one genre, unless ``genres`` or ``genre_map`` name "Rap"
    and not "Hip-Hop/Rap". Numbers, such as "(17)", stand for the genres of ID3v1.

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


def read_song_table(path, *, min_songs=2, genres=None, genre_map=None):
    """List the songs of a table with their genres and artists, as `load_music_library` does.

    Parameters
    ----------
    path : str or path-like
        A CSV file in UTF-8, with commas, semicolons or tabs between its columns. Columns named
        ``path`` and ``genre`` are needed; ``artist``, ``album`` and ``title`` may be there, and
        others are not read. Paths are relative to the folder of the file.
    min_songs, genres, genre_map
        As of `load_music_library`.

    Returns
    -------
    data : Bunch
        As of `load_music_library`.

    Raises
    ------
    FileNotFoundError
        If the file is missing, or that of a song.
    ValueError
        If it is no such table. Rows are named by their numbers; the first row, with the names of
        the columns, is row 1.
    """
    names = GenreNames(genres, genre_map)
    path = Path(os.path.expanduser(os.fsdecode(path)))
    data, told = assemble(path, read_songs(path), {}, names, min_songs)
    if told:
        warnings.warn(told, stacklevel=2)
    return data


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
    name = clean_text(folders[0]) if folders else ""
    return name if name and is_known(name) else None
