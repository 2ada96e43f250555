"""Fields of tags, as files of each format hold them; mutagen reads them all.

ID3, APE and Vorbis comments are changed piece by piece, because mutagen would write all that it
read anew, and not to the bit; MP4 and ASF, where sizes and offsets follow, by mutagen.
"""

import os
import re
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import NamedTuple

import mutagen
import mutagen.id3
from mutagen.aac import AAC
from mutagen.apev2 import APEv2

from . import _ape, _chunks, _comments, _id3, _ogg
from ._pieces import Span, UnfitError, copy_whole, find_size, read_span, write_pieces


class Place(NamedTuple):
    """Where the formats have a field."""

    id3: str
    comment: str
    mp4: str
    asf: str
    ape: str
    riff: bytes | None = None


PLACES = {
    "genre": Place("TCON", "GENRE", "\xa9gen", "WM/Genre", "Genre", b"IGNR"),
    "grouping": Place("TIT1", "GROUPING", "\xa9grp", "WM/ContentGroupDescription", "Grouping"),
    "mood": Place("TMOO", "MOOD", "----:com.apple.iTunes:MOOD", "WM/Mood", "Mood"),
    "comment": Place("COMM", "COMMENT", "\xa9cmt", "Description", "Comment", b"ICMT"),
}
_MPEG = {"MP3", "AAC", "TrueAudio", "ID3FileType"}
_CHUNKS = {"WAVE", "AIFF", "DSDIFF"}
_OGG = set(_ogg.STREAMS)
_APE = {"APEv2File", "MonkeysAudio", "Musepack", "WavPack", "TAK", "OptimFROG"}
# What stands for frames of ID3 in RIFF, AIFF and APE.
_OLDER = {
    "TIT2": ("INAM", "NAME", "title"),
    "TPE1": ("IART", "AUTH", "artist"),
    "TPE2": ("album artist", "albumartist"),
    "TALB": ("IPRD", "album"),
    "TCOM": ("composer",),
    "TDRC": ("ICRD", "year"),
    "TRCK": ("ITRK", "IPRT", "track"),
    "TCON": ("IGNR", "genre"),
    "TIT1": ("grouping",),
    "TMOO": ("mood",),
    "TCOP": ("ICOP", "(c) ", "copyright"),
    "TSSE": ("ISFT",),
    "COMM": ("ICMT", "ANNO", "comment"),
}
# mutagen does not look for a stream behind their tags
_AAC_ENDINGS = (".aac", ".adts")
_NO_TAGS = "files of its kind hold no tags that can be written"


def read_values(path, field):
    """Return the values that a file has of a field.

    Raises
    ------
    OSError
        If it cannot be opened.
    UnfitError
        If it is of a format without tags, or they cannot be read.
    """
    with _explained():
        media = _open(path)
        kind, place = type(media).__name__, PLACES[field]
        values = _get(media.tags, kind, place)
        if not values and kind in _MPEG | _CHUNKS:
            values = _get(_read_older(path, kind), kind, place)
    return tuple(value for value in values if value.strip())


def try_read_values(path, field):
    """Return the values that a file has of a field, and why they cannot be read, or None."""
    try:
        return read_values(path, field), None
    except UnfitError as error:
        return (), str(error)


def write_values(path, aside, field, values):
    """Write a copy of a file with other values of a field.

    Parameters
    ----------
    path : str
        The file, which stays as it is.
    aside : file object
        An empty file, open for writing, with a name of the same ending.
    field : str
        One of ``PLACES``.
    values : sequence of str

    Raises
    ------
    OSError
        If it cannot be read or written.
    UnfitError
        If its format cannot hold them.
    """
    with _explained():
        media = _open(path)
        kind, place = type(media).__name__, PLACES[field]
        with open(path, "rb") as file:
            pieces = _make_pieces(file, media.tags, kind, place, values)
            if pieces is None:
                copy_whole(file, aside)
            else:
                write_pieces(pieces, file, aside)
        if kind in _OGG:
            _ogg.set_values(aside, kind, place.comment, values)
        aside.flush()
        if kind in ("MP4", "ASF"):
            _set(aside.name, kind, place, values)


def read_others(path, field):
    """Return all tags of a file but a field, in a form that can be compared."""
    with _explained():
        media = _open(path)
        place, tags = PLACES[field], media.tags
        if tags is None:
            return []
        if isinstance(tags, mutagen.id3.ID3):
            own = [id(frame) for frame in _find_frames(tags, place)]
            return sorted(repr(frame) for frame in tags.values() if id(frame) not in own)
        items = tags if isinstance(tags, list) else tags.items()
        own_names = {name.upper() for name in (place.comment, place.mp4, place.asf, place.ape)}
        return sorted((name, repr(value)) for name, value in items if name.upper() not in own_names)


def _open(path):
    media = _identify(path)
    kind = type(media).__name__
    if kind not in _MPEG | _CHUNKS | _OGG | _APE | {"FLAC", "DSF", "MP4", "ASF"}:
        raise UnfitError(_NO_TAGS)
    if kind == "AAC":  # whose tags mutagen leaves aside
        with suppress(mutagen.id3.ID3NoHeaderError):
            media.tags = mutagen.id3.ID3(path)
    if kind in _MPEG | _CHUNKS and not media.tags:
        media.tags = _read_older(path, kind)
    return media


def _identify(path):
    if path.lower().endswith(_AAC_ENDINGS):
        return AAC(path)
    try:
        return mutagen.File(path)
    except mutagen.MutagenError:
        # an open file without a name tells nothing by its ending, which may be wrong
        with open(os.open(path, os.O_RDONLY), "rb") as file:
            media = mutagen.File(file)
        if media is None:
            raise
        return media


def _read_older(path, kind):
    """Return what a file says outside of ID3 as ID3, or None.

    Readers of ID3 do not look there any more once a file has ID3.
    """
    texts: dict[str, list[str]] = {}
    with open(path, "rb") as file:
        if kind in _CHUNKS:
            texts = {name: [text] for name, text in _chunks.read_texts(file).items() if text}
        else:
            start, end = _ape.find_tag(file)
            for name, value in APEv2(file).items() if end > start else ():
                texts[name.lower()] = list(value) if value.kind == 0 else []
    tags = mutagen.id3.ID3()
    for name, sources in _OLDER.items():
        values = next((texts[source] for source in sources if texts.get(source)), [])
        if name == "TDRC":
            values = [value for value in values if re.fullmatch(r"\d{4}(-\d\d){0,2}", value)]
        if name == "COMM" and values:
            tags.add(mutagen.id3.COMM(encoding=3, lang="eng", desc="", text=values[:1]))
        elif values:
            tags.add(getattr(mutagen.id3, name)(encoding=3, text=values))
    return tags or None


def _render(tags):
    """Return an ID3 tag as bytes."""
    buffer = BytesIO()
    tags.save(buffer, v1=0, padding=lambda info: 0)
    return buffer.getvalue()


def _get(tags, kind, place):
    if tags is None:
        return []
    if kind in _MPEG | _CHUNKS | {"DSF"}:
        frames = _find_frames(tags, place)
        if place.id3 == "TCON":
            return [genre for frame in frames for genre in frame.genres]
        return [str(text) for frame in frames for text in frame.text]
    if kind in _OGG | {"FLAC"}:
        return tags.get(place.comment, [])
    if kind in _APE:
        values = tags.get(place.ape, [])
        return list(values) if getattr(values, "kind", None) == 0 else []
    values = tags.get(place.mp4 if kind == "MP4" else place.asf, [])
    return [_to_text(value) for value in values]


def _to_text(value):
    value = value.value if hasattr(value, "value") else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _find_frames(tags, place):
    if place.id3 == "COMM":
        return [frame for frame in tags.getall("COMM") if not frame.desc]
    return tags.getall(place.id3)


def _make_pieces(file, tags, kind, place, values):
    """Return the pieces of the new file; None for formats that are changed in place."""

    def change(tag):
        tag = tag[: _id3.find_tag_size(tag[: _id3.HEADER_SIZE])]
        # ID3v1 and what else there is without ID3v2 is said in it, too
        return _id3.set_values(tag or (_render(tags) if tags else b""), place.id3, values)

    if kind in _MPEG:
        return _make_mpeg(file, change, place, values)
    if kind in _CHUNKS:
        info = (place.riff, values[0].encode()) if kind == "WAVE" and place.riff else None
        return _chunks.set_tag(file, change, info)
    if kind == "DSF":
        return _chunks.set_dsf_tag(file, change)
    if kind == "FLAC":
        return _comments.set_values(file, place.comment, values)
    if kind in _APE:
        start, end = _ape.find_tag(file)
        tag = _ape.set_values(read_span(file, start, end), place.ape, values)
        return [Span(0, start), tag, Span(end, find_size(file))]
    return None


def _make_mpeg(file, change, place, values):
    """Return the pieces of a file with an ID3v2 tag in front, and maybe APE and ID3v1 behind."""
    size = find_size(file)
    header = _id3.find_tag_size(read_span(file, 0, min(size, _id3.HEADER_SIZE)))
    start, end = _ape.find_tag(file)
    ape, behind = read_span(file, start, end), read_span(file, end, size)
    # some readers look at it first
    if ape:
        ape = _ape.set_values(ape, place.ape, values)
    if place.id3 == "TCON" and _ape.has_id3v1(file):
        behind = behind[:-1] + bytes([_find_number(values[0])])
    return [change(read_span(file, 0, header)), Span(header, start), ape, behind]


def _find_number(genre):
    """Return the number of a genre in ID3v1; 255 if it has none."""
    names = [name.lower() for name in mutagen.id3.TCON.GENRES]
    plain = genre.lower()
    return names.index(plain) if plain in names else 255


def _set(path, kind, place, values):
    media = _open(path)
    if media.tags is None:
        media.add_tags()
    if kind == "ASF":
        media.tags[place.asf] = list(values)
    elif place.mp4.startswith("----"):
        media.tags[place.mp4] = [value.encode() for value in values]
    else:
        media.tags[place.mp4] = list(values)
    media.save(path)


@contextmanager
def _explained():
    """Raise what mutagen raises as the system's error that it stands for, or as our own."""
    try:
        yield
    except (OSError, UnfitError):
        raise
    except Exception as error:  # whatever a broken file leads to
        cause = error.__cause__ or error.__context__
        if isinstance(cause, OSError) and cause.errno is not None:
            raise cause from None
        said = re.sub(r"\s+", " ", str(error)).strip()
        raise UnfitError(f"its tags cannot be read ({said or type(error).__name__})") from None
