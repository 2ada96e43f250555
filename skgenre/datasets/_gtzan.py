import os
import re
import warnings
from importlib.resources import files

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._names import printable
from ._artists import name_groups
from ._folder import check_genres, wanted_genres
from ._walk import UNKNOWN_ENDING, describe_left_out, existing_folder, find_songs

_SONG_FILE = re.compile(r"([a-z]+\.\d{5})(?:\.[^.]+)?", re.IGNORECASE)
_WHERE_TO_GET_IT = (
    "GTZAN cannot be shipped with skgenre, since its recordings are commercial music. Get it from "
    "where you have access, for example the data set 'gtzan-dataset-music-genre-classification' on "
    "Kaggle or 'marsyas/gtzan' on Hugging Face, unpack it, and give its folder as data_home."
)
_MAX_ACCURACY = 0.945
_DESCRIPTION = """\
GTZAN genre collection
======================

1000 excerpts of 30 s, mono, 22,050 Hz, 100 of each of ten genres: blues, classical, country, disco,
hip-hop, jazz, metal, pop, reggae and rock.

    G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE Transactions on
    Speech and Audio Processing 10(5), 2002.

Artists, known for 919 songs, and titles are those of

    B. L. Sturm, "An analysis of the GTZAN music genre dataset", Proc. ACM Workshop MIRUM, 2012,

who also found exact replicas, wrong labels and distortions. The collection has several songs of
most artists: keep `groups` apart when you split it, or use `filtered_split`, which leaves faulty
excerpts out and keeps artists apart:

    C. Kereliuk, B. L. Sturm and J. Larsen, "Deep learning and music adversaries", IEEE Transactions
    on Multimedia 17(11), 2015.
"""


def load_gtzan(data_home, *, genres=None):
    """List the songs of GTZAN with genres, artists, titles and the fault-filtered split.

    GTZAN [1]_ is not part of skgenre and is not downloaded. If it is not found, the error tells you
    where to get it.

    Parameters
    ----------
    data_home : str or path-like
        The folder with the songs under their original names, such as ``blues.00000.wav``, with any
        extension that a decoder reads. The songs may be sorted into genre folders at any depth, as
        in the usual copies (``genres/blues/...``, ``Data/genres_original/blues/...``), or lie side
        by side. A part of the collection is fine, too. Symbolic links to folders are followed, and
        hidden folders are skipped.
    genres : sequence of str, default=None
        Load only these genres. ``None`` loads all of them.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        paths : ndarray of shape (n_songs,), dtype str
            The files, sorted by name. They are not opened.
        target : ndarray of shape (n_songs,), dtype str
            The genre of each song.
        target_names : list of str
            The genres, sorted.
        artist, title : ndarray of shape (n_songs,), dtype object
            The artist and title of each song according to Sturm [2]_; None where they are unknown.
        groups : ndarray of shape (n_songs,), dtype str
            The artist of each song with its spelling unified, for splits that keep artists apart. A
            song by an unknown artist is a group of its own.
        filtered_split : ndarray of shape (n_songs,), dtype object
            The part of the fault-filtered split [3]_ that each song belongs to: ``"train"``,
            ``"valid"``, ``"test"``, or None if the split leaves it out.
        max_accuracy : float
            The accuracy of a perfect classifier as estimated in [4]_. It is below 1 because some
            labels are wrong.
        DESCR : str
            A description of the collection, and what to cite.

    Raises
    ------
    FileNotFoundError
        If the folder is missing or holds no songs of GTZAN.
    NotADirectoryError
        If ``data_home`` is a file.
    PermissionError
        If the folder cannot be read.
    ValueError
        If a song is found twice, ``genres`` is not a list of names, or one of them has no songs.

    Warns
    -----
    UserWarning
        If something was skipped: unreadable folders, broken links, or songs with an extension that
        no decoder reads.

    See Also
    --------
    load_genre_folder : Loads any folder with one sub-folder per genre.
    skgenre.model_selection.GTZANFilteredSplit : The fault-filtered split as a splitter.

    References
    ----------
    .. [1] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [2] B. L. Sturm, "An analysis of the GTZAN music genre dataset", Proc. ACM Workshop MIRUM,
       2012.
    .. [3] C. Kereliuk, B. L. Sturm and J. Larsen, "Deep learning and music adversaries", IEEE
       Transactions on Multimedia 17(11), 2015.
    .. [4] B. L. Sturm, "The GTZAN dataset: its contents, its faults, their effects on evaluation,
       and its future use", arXiv:1306.1461, 2013.

    Examples
    --------
    A folder with two songs, replaced by silence here:

    >>> import os, tempfile, numpy as np, soundfile as sf
    >>> from skgenre.datasets import load_gtzan
    >>> home = tempfile.mkdtemp()
    >>> for song in ("blues.00000", "rock.00001"):
    ...     sf.write(os.path.join(home, f"{song}.wav"), np.zeros(22050), 22050)
    >>> data = load_gtzan(home)
    >>> data.artist
    array(['John Lee Hooker', 'Morphine'], dtype=object)
    >>> data.paths[data.filtered_split == "valid"].size
    1
    """
    root = existing_folder(data_home, _WHERE_TO_GET_IT)
    wanted = wanted_genres(genres)
    index = read_index()

    def song_of(path):
        """Return the song that a file holds by its name, or None if it is not wanted."""
        match = _SONG_FILE.fullmatch(os.path.basename(path))
        song = match[1].lower() if match else ""
        is_wanted = wanted is None or song.split(".")[0] in wanted
        return song if is_wanted and song in index.index else None

    below = find_songs(root)
    found: dict[str, str] = {}
    for path in below.songs:
        song = song_of(path)
        if song is None:
            continue
        other = found.setdefault(song, path)
        if other != path and os.path.realpath(other) != os.path.realpath(path):
            raise ValueError(
                f"{song} is there twice, as {printable(other)} and {printable(path)}; pass the "
                "folder of one copy"
            )
    told = describe_left_out(
        root,
        {
            path: reason
            for path, reason in below.left_out.items()
            if reason != UNKNOWN_ENDING or song_of(path)
        },
    )
    check_genres(wanted, {song.split(".")[0] for song in found}, root, told)
    if not found:
        raise FileNotFoundError(
            f"{printable(root)} holds no song of GTZAN. {told}{told and chr(10)}{_WHERE_TO_GET_IT}"
        )
    if told:
        warnings.warn(told, stacklevel=2)
    songs = index.loc[sorted(found)]
    genres = np.array([song.split(".")[0] for song in songs.index])
    return Bunch(
        paths=np.array([found[song] for song in songs.index]),
        target=genres,
        target_names=sorted(set(genres.tolist())),
        artist=songs["artist"].to_numpy(dtype=object),
        title=songs["title"].to_numpy(dtype=object),
        groups=name_groups(songs["artist"], songs.index),
        filtered_split=songs["filtered_split"].to_numpy(dtype=object),
        max_accuracy=_MAX_ACCURACY,
        DESCR=_DESCRIPTION,
    )


def read_index():
    with (files(__package__) / "data" / "gtzan.csv").open(encoding="utf-8") as file:
        index = pd.read_csv(file, index_col="song", dtype=object, keep_default_na=False)
    return index.astype(object).where(index != "", None)
