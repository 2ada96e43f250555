import os
from pathlib import Path

import numpy as np
import soundfile as sf
from sklearn.utils import Bunch

_ENDINGS = {f".{name.lower()}" for name in sf.available_formats() if name != "RAW"}
_ENDINGS |= {".aif", ".oga", ".opus", ".snd"}


def load_genre_folder(root):
    """List the songs of a folder whose sub-folders are genres.

    Parameters
    ----------
    root : str or path-like
        The folder. Each sub-folder is a genre; audio files anywhere below it are its songs. Hidden
        files and folders, and files of other kinds, are passed over.

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
    songs = [
        (str(path), genre.name)
        for genre in sorted(root.iterdir())
        if genre.is_dir() and not genre.name.startswith(".")
        for path in _audio_files(genre)
    ]
    if not songs:
        raise FileNotFoundError(
            f"No audio file in the sub-folders of {root}. Each sub-folder is a genre, and holds "
            "its songs."
        )
    paths, target = map(np.array, zip(*songs, strict=True))
    return Bunch(paths=paths, target=target, target_names=sorted(set(target.tolist())))


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
