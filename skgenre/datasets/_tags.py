"""What a file's own tags say of a song, read by mutagen.

Tags are written by many programs, and by anybody: they are read as far as they can be, and what
cannot be printed is taken out of them.
"""

import io
import os
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from ..audio._errors import AudioError, UnknownFormatError
from ..audio._files import as_seen_from_anywhere, open_file
from ..audio._isolation import WorkerError, run_isolated
from ._artists import is_known
from ._genre_names import genre_key

# Covers are part of a tag, and some are photographs.
_MOST_MEGABYTES = 64
_SECONDS = 30.0
_LONGEST_TEXT = 250
_UNKNOWN = "its format is not known"
_MOST_TEXTS = 50
# In ID3, MP4, ASF, APE and Vorbis comments, in small letters.
_GENRE = ("tcon", "\xa9gen", "wm/genre", "genre")
_ALBUM_ARTIST = ("tpe2", "aart", "wm/albumartist", "albumartist", "album artist", "album_artist")
_ARTIST = ("tpe1", "\xa9art", "author", "artist")
_ALBUM = ("talb", "\xa9alb", "wm/albumtitle", "album")
_TITLE = ("tit2", "\xa9nam", "title")
# Genres of iTunes and Discogs with a stroke in their name, which separates genres in ID3v2.3.
_WITH_STROKE = {
    genre_key(name)
    for name in ("Hip-Hop/Rap", "R&B/Soul", "Singer/Songwriter", "Funk / Soul", "Pop/Funk")
}
_NO_GENRE = {"", "unknown", "unknowngenre", "none", "nan"}
# Inside a word they shape Persian, Indic and emoji.
_JOINERS = "\u200c\u200d"


@dataclass
class Tags:
    """What a file's tags say.

    Attributes
    ----------
    genres : list of str
        The genres, in the order of the file.
    artist : str or None
        The artist of the album, or of the song where the album has none or various.
    album, title : str or None
        The album and the title of the song.
    reason : str
        Why the tags cannot be read; "" if they can, or if there are none.
    """

    genres: list[str] = field(default_factory=list)
    artist: str | None = None
    album: str | None = None
    title: str | None = None
    reason: str = ""


def read_tags(path):
    """Return the `Tags` of a file, with a reason if they cannot be read.

    What the file holds decides how it is read, and only then the ending of its name. It is read in
    another process, since a tag made for the purpose can keep mutagen busy for hours.

    Parameters
    ----------
    path : str or path-like
        The file.
    """
    try:
        found = run_isolated(_read_file, as_seen_from_anywhere(os.fspath(path)), timeout=_SECONDS)
    except AudioError as error:
        return Tags(reason=next(iter(error.failures.values())))
    except (WorkerError, MemoryError) as error:
        return Tags(reason=str(error) or "not enough memory to read it")
    return Tags(**found)


def _read_file(path):
    """Return what `Tags` hold of a file, as a dict."""
    with open_file(path) as raw, io.BufferedReader(raw) as file:
        found, reason = _ask_mutagen(file)
        if not any(map(any, found)):
            found, reason = _ask_ffmpeg(file, reason)
    if not any(map(any, found)):
        return {"reason": reason}
    firsts: list[list[str]] = [next(filter(None, lists), []) for lists in zip(*found, strict=True)]
    genres, album_artists, artists, albums, titles = firsts
    return {
        "genres": genres,
        "artist": next(filter(is_known, album_artists + artists), None),
        "album": next(filter(is_known, albums), None),
        "title": next(iter(titles), None),
    }


class _Bounded:
    """An open file of which mutagen reads only so much, under a name that it may judge it by."""

    def __init__(self, file):
        self._file, self.name = file, ""
        self.seek, self.tell = file.seek, file.tell
        self._n_left = _MOST_MEGABYTES * 2**20

    def read(self, size=-1):
        most = self._n_left + 1
        data = self._file.read(most if size is None or size < 0 else min(size, most))
        self._n_left = max(self._n_left - len(data), 0)
        if len(data) == most:
            raise OSError(f"more than {_MOST_MEGABYTES} MB of tags")
        return data


def _ask_mutagen(file):
    """Return the fields of all tags that mutagen finds in an open file, or why there are none."""
    from mutagen import File
    from mutagen.apev2 import APEv2
    from mutagen.id3 import ID3

    bounded = _Bounded(file)
    found: list = []
    reason = _UNKNOWN
    # ID3 and APE tags are also in files of formats for which mutagen does not look for them
    for read, name in ((File, ""), (File, file.name), (ID3, ""), (APEv2, "")):
        if name and not reason:
            continue
        bounded.name = name
        try:
            bounded.seek(0)
            tags: Any = read(bounded)
            if read is File and tags is not None:
                reason, tags = "", tags.tags
            if tags is not None:
                found.append(_read_fields(tags))
        except Exception as error:  # whatever a broken file leads to
            if reason == _UNKNOWN and read is File:
                reason = _explain(error)
    return found, reason


def _ask_ffmpeg(file, reason):
    """Return the fields that FFmpeg finds, as of Matroska, CAF and WAV without ID3."""
    from ..audio._ffmpeg import read_metadata

    try:
        fields = _read_fields(read_metadata(file))
    except UnknownFormatError:
        return [], reason
    return [fields], "" if any(fields) or reason == _UNKNOWN else reason


def _read_fields(tags):
    """Return the texts of the genres, artists of the album, artists, albums and titles."""
    from mutagen.id3 import TCON

    keys = {key.lower(): key for key in list(tags.keys())}  # of texts, as in a dict

    def read(names):
        values = [value for name in names if name in keys for value in _texts(tags[keys[name]])]
        return [text for text in map(clean_text, values[:_MOST_TEXTS]) if text]

    # not only in ID3 are there numbers of ID3v1
    names = TCON(text=read(_GENRE)).genres
    version = getattr(tags, "version", None)
    if version in ((2, 2, 0), (2, 3, 0)):
        names = [part for name in names for part in _split_old(name)]
    names = [part.strip() for name in names for part in re.split(r";|\\\\", name)]
    genres: dict[str, str] = {}
    for name in names:
        genres.setdefault(genre_key(name), name)
    for key in _NO_GENRE:
        genres.pop(key, None)
    return [*genres.values()][:_MOST_TEXTS], *map(read, (_ALBUM_ARTIST, _ARTIST, _ALBUM, _TITLE))


def _split_old(name):
    return [name] if genre_key(name) in _WITH_STROKE else name.split("/")


def _texts(value):
    """Return the texts of a tag of any format."""
    value = getattr(value, "text", value)
    values = [value] if isinstance(value, str) else value
    values = [getattr(value, "value", value) for value in values]
    return [text for value in values if isinstance(value, str) for text in value.split("\0")]


def clean_text(text):
    """Return a text on one line, of characters that can be printed, and of a length to print."""
    text = unicodedata.normalize("NFC", text[: 4 * _LONGEST_TEXT])
    text = "".join(letter if letter.isprintable() or letter in _JOINERS else " " for letter in text)
    return " ".join(text.split())[:_LONGEST_TEXT].strip()


def _explain(error):
    text = clean_text(str(error)) or "damaged"
    return text.removeprefix("<unknown>: ")
