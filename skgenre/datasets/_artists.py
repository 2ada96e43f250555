import re
import unicodedata

import numpy as np
import pandas as pd

# What programs write where there are many artists, or no artist or album, as `_simplify` has it.
_NO_NAMES = frozenset(
    (
        *("various", "various artist", "various artists", "va", "v a", "compilations"),
        *("verschiedene interpreten", "artistes divers", "artisti vari", "varios artistas"),
        *("nan", "unknown", "unknown artist", "unbekannter interpret", "artiste inconnu"),
        *("artista desconocido", "unknown album", "unbekanntes album", "album inconnu"),
        "álbum desconocido",
    )
)


def artist_groups(songs):
    """Return a group label for each song, its artist, for splits that keep artists apart.

    Parameters
    ----------
    songs : :class:`~sklearn.utils.Bunch` or DataFrame
        Songs with an ``artist`` column or attribute, None or NaN where the artist is unknown. What
        `load_gtzan` and `load_music_library` return has ``groups`` already.

    Returns
    -------
    groups : ndarray of shape (n_songs,), dtype str
        The artist in lower case, without punctuation and with "and" for "&". A song by an unknown
        artist is a group of its own.

    Raises
    ------
    ValueError
        If the songs have no ``artist``.

    See Also
    --------
    RepeatedStratifiedGroupKFold : Splits that keep these groups apart.

    Examples
    --------
    >>> import pandas as pd
    >>> from skgenre.model_selection import artist_groups
    >>> artist_groups(pd.DataFrame({"artist": ["Kool & The Gang", "Kool And The Gang", None]}))
    array(['kool and the gang', 'kool and the gang', 'song 2'], dtype='<U17')
    """
    if "groups" in songs:
        return np.asarray(songs["groups"])
    if "artist" not in songs:
        raise ValueError(f"The songs have no 'artist', only {sorted(songs)}")
    artists = list(songs["artist"])
    return name_groups(artists, [f"song {i}" for i in range(len(artists))])


def name_groups(artists, songs):
    """Name the group of each song: its artist, whatever the spelling, or else the song itself."""
    return np.array(
        [
            song if pd.isna(artist) or not artist.strip() else _simplify(artist)
            for artist, song in zip(artists, songs, strict=True)
        ]
    )


def is_known(name):
    """Tell whether a name is that of an artist or album, and not "Various Artists" or the like."""
    return _simplify(name) not in _NO_NAMES


def _simplify(artist):
    artist = unicodedata.normalize("NFC", artist)
    words = re.findall(r"\w+", artist.casefold().replace("&", " and "))
    return " ".join(words) or artist.strip()
