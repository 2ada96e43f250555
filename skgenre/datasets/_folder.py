import os
from pathlib import Path

import numpy as np
import soundfile as sf
from sklearn.utils import Bunch

_ENDINGS = {f".{name.lower()}" for name in sf.available_formats() if name != "RAW"}
_ENDINGS |= {".aif", ".oga", ".opus", ".snd"}


def load_genre_folder(root, *, genres=None):
    """List the songs of a folder whose sub-folders are genres.

    Parameters
    ----------
    root : str or path-like
        The folder. Each sub-folder is a genre; audio files anywhere below it are its songs. Hidden
        files and folders, and files of other kinds, are passed over.
    genres : sequence of str, default=None
        List songs of these genres only; None means all.

    Returns
    -------
    data : Bunch
        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by genre and name. They are not opened.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each.
        target_names : list of str
            The genres, sorted.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or no genre in it has an audio file.
    ValueError
        If one of ``genres`` has none.

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
    folders = [
        folder
        for folder in sorted(root.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    ]
    songs = [
        (str(path), folder.name)
        for folder in folders
        if genres is None or folder.name in genres
        for path in _audio_files(folder)
    ]
    check_genres(genres, {genre for _, genre in songs}, root)
    if not songs:
        raise FileNotFoundError(
            f"No audio file in the sub-folders of {root}. Each sub-folder is a genre, and holds "
            "its songs."
        )
    paths, target = map(np.array, zip(*songs, strict=True))
    return Bunch(paths=paths, target=target, target_names=sorted(set(target.tolist())))


def check_genres(genres, found, root):
    """Refuse genres that were asked for and not found."""
    if isinstance(genres, str):
        raise ValueError(f"genres must be a list of genres, got {genres!r}")
    missing = sorted(set(genres or ()) - found)
    if missing:
        raise ValueError(f"{root} has no song of {missing}")


def existing_folder(root, advice):
    """Return a folder as a path, or raise with advice if there is none."""
    root = Path(os.path.expanduser(root))
    if not root.is_dir():
        raise FileNotFoundError(f"There is no folder {root}. {advice}")
    return root


def _audio_files(folder):
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _ENDINGS and path.is_file() and not hidden:
            yield path
