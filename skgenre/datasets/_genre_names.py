"""The many spellings of a genre, and which of a song's genres is meant."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping

from ._folder import wanted_genres

UNWANTED = "its genre is not one of `genres`"
MAPPED_TO_NONE = "the map of genres leaves its genre out"
# Between genres that somebody has put into one text, and inside the names of others.
_BETWEEN = re.compile(r"[/,|](?:\s*&)?")


def genre_key(name):
    """Return what all spellings of a genre have in common.

    Capitals, blanks, punctuation and accents of width do not count, and "&" is "and" is "'n'".

    Examples
    --------
    >>> from skgenre.datasets._genre_names import genre_key
    >>> [genre_key(name) for name in ("Hip-Hop", "hip hop", "Drum & Bass", "drum'n'bass")]
    ['hiphop', 'hiphop', 'drumnbass', 'drumnbass']
    """
    text = unicodedata.normalize("NFKC", name).casefold()
    text = re.sub(r"&|\band\b", "n", text)
    return "".join(letter for letter in text if unicodedata.category(letter)[0] in "LMN") or text


class GenreNames:
    """What genres are called, where there are several names and spellings.

    Parameters
    ----------
    genres : sequence of str or None
        The genres that are asked for; None means all.
    genre_map : mapping of str to str or None
        Other names of genres; those that map to None are not asked for.
    """

    def __init__(self, genres=None, genre_map=None):
        self.wanted = None
        if genres is not None:
            self.wanted = {genre_key(name): name for name in sorted(wanted_genres(genres))}
        self._map = _check_map(genre_map)
        targets = [name for name in self._map.values() if name is not None]
        self._unmet = {genre_key(name): name for name in genre_map or ()}
        self._given = {genre_key(name): name for name in reversed(targets)} | (self.wanted or {})

    def choose(self, names, parts=()):
        """Return the genre of a song, or None, and why it has none.

        It is the first that ``genres`` or ``genre_map`` know: of all the names as one, of the
        names, and of their parts; and where they know none, the first name.
        """
        known_as = {name: genre_key(name) for name in ("/".join(names), *names, *parts)}
        for key in known_as.values():
            self._unmet.pop(key, None)
        for name, key in known_as.items():
            target = self._map.get(key, name)
            if target is None:
                return None, MAPPED_TO_NONE
            if key in self._map if self.wanted is None else genre_key(target) in self.wanted:
                return target, ""
        return (names[0], "") if self.wanted is None else (None, UNWANTED)

    def unmet(self):
        """Return the names in ``genre_map`` that are of no song so far."""
        return list(self._unmet.values())

    def spell(self, genres):
        """Return genres with one spelling of each: that which was given, or the most frequent."""
        counts: dict = defaultdict(Counter)
        for genre in genres:
            counts[genre_key(genre)][genre] += 1
        spelling = {
            key: min(names, key=lambda name: (-names[name], name)) for key, names in counts.items()
        } | self._given
        return [spelling[genre_key(genre)] for genre in genres]


def split_genres(names):
    """Return the parts of names such as "Rock, Pop" or "Hip-Hop/Rap"."""
    parts = [part.strip() for name in names for part in _BETWEEN.split(name)]
    return [part for part in parts if part]


def _check_map(genre_map):
    """Return a map from the keys of genres."""
    if genre_map is None:
        return {}
    is_map = isinstance(genre_map, Mapping)
    if not is_map or not all(
        isinstance(name, str) and (target is None or (isinstance(target, str) and target.strip()))
        for name, target in genre_map.items()
    ):
        raise ValueError(
            "genre_map must be a dict from genres to new names, or to None to leave a genre out, "
            f"got {genre_map!r}"
        )
    by_key: dict = {}
    for name, target in genre_map.items():
        other, _ = by_key.setdefault(genre_key(name), (target, name))
        if other != target:
            raise ValueError(
                f"genre_map has {target!r} for {name!r}, but {other!r} for another spelling of it"
            )
    return {key: target for key, (target, _) in by_key.items()}
