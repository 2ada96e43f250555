"""Files made of chunks, one of which holds an ID3 tag: WAV, AIFF, DSDIFF; and DSF."""

import struct
from typing import NamedTuple

from ._pieces import Span, UnfitError, find_size, read_span

# how sizes are written, by the first four bytes
_SIZES = {b"RIFF": "<I", b"FORM": ">I", b"FRM8": ">Q"}
_ID3 = {b"RIFF": b"id3 ", b"FORM": b"ID3 ", b"FRM8": b"ID3 "}
_AIFF_TEXTS = (b"NAME", b"AUTH", b"(c) ", b"ANNO")
_DSF_HEADER = 28
_WRONG_SIZES = "its header does not say how long its parts are"


class Chunk(NamedTuple):
    """A chunk: what it is, and where it and its data lie."""

    name: bytes
    start: int
    data: Span
    end: int


def set_tag(file, change, info=None):
    """Return the pieces of an open file with another ID3 tag.

    Parameters
    ----------
    file : file object
    change : callable
        From the tag, bytes, to the new one.
    info : (bytes, bytes) or None
        The name and the new value of a piece of RIFF information, which is written where the file
        has one.
    """
    form, size_format, chunks, rest = _find_chunks(file)
    is_id3 = [chunk.name.upper() == b"ID3 " for chunk in chunks]
    old = chunks[is_id3.index(True)].data if True in is_id3 else Span(0, 0)
    new = _make_chunk(_ID3[form], change(read_span(file, *old)), size_format)
    parts: list = []
    for chunk, holds_tag in zip(chunks, is_id3, strict=True):
        if holds_tag and chunk.data == old:
            parts.append(new)
        elif info and _is_list(chunk):
            parts.append(_set_info(file, chunk, *info))
        else:
            parts.append(Span(chunk.start, chunk.end))
            if chunk.end - chunk.start & 1:
                parts.append(b"\0")
    if True not in is_id3:
        parts.append(new)
    parts.append(rest)
    width = struct.calcsize(size_format)
    kind = read_span(file, 4 + width, 8 + width)
    sizes = [p.end - p.start if isinstance(p, Span) else len(p) for p in parts]
    try:
        size = struct.pack(size_format, len(kind) + sum(sizes))
    except struct.error:
        raise UnfitError("it is as large as its format allows") from None
    return [form, size, kind, *parts, Span(rest.end, find_size(file))]


def read_texts(file):
    """Return what an open file says outside of its ID3 tag, by the name of the chunk or piece."""
    texts: dict[str, str] = {}
    for chunk in _find_chunks(file)[2]:
        pieces = []
        if _is_list(chunk):
            pieces = [piece[:2] for piece in _split_info(read_span(file, *chunk.data))]
        elif chunk.name in _AIFF_TEXTS:
            pieces = [(chunk.name, read_span(file, *chunk.data).split(b"\0")[0])]
        for name, value in pieces:
            texts.setdefault(name.decode("latin-1"), _decode(value).strip())
    return texts


def set_dsf_tag(file, change):
    """Return the pieces of an open DSF file, whose tag stands at its end, with another tag."""
    header = read_span(file, 0, _DSF_HEADER)
    at = int.from_bytes(header[20:28], "little")
    size = find_size(file)
    if header[:4] != b"DSD " or at > size:
        raise UnfitError("its header is damaged")
    at = at or size
    new = change(read_span(file, at, size))
    return [header[:12], struct.pack("<2Q", at + len(new), at), Span(_DSF_HEADER, at), new]


def _find_chunks(file):
    form = read_span(file, 0, 4)
    if form not in _SIZES:
        raise UnfitError("files of its kind hold no tags that can be written")
    size_format = _SIZES[form]
    width = struct.calcsize(size_format)
    (size,) = struct.unpack(size_format, read_span(file, 4, 4 + width))
    end, at, chunks = 4 + width + size, 8 + width, []
    if end > find_size(file):
        raise UnfitError(_WRONG_SIZES)
    while end - at >= 4 + width:
        name = read_span(file, at, at + 4)
        (size,) = struct.unpack(size_format, read_span(file, at + 4, at + 4 + width))
        data = Span(at + 4 + width, at + 4 + width + size)
        if data.end > end:
            raise UnfitError(_WRONG_SIZES)
        # some programs leave out the byte that makes the last chunk even
        chunks.append(Chunk(name, at, data, min(data.end + (size & 1), end)))
        at = chunks[-1].end
    return form, size_format, chunks, Span(at, end)


def _is_list(chunk):
    return chunk.name == b"LIST"


def _decode(value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _make_chunk(name, data, size_format):
    return name + struct.pack(size_format, len(data)) + data + bytes(len(data) & 1)


def _split_info(data):
    """Return a list's pieces of information: their names, values and all bytes."""
    at, pieces = 4, []
    while data[:4] == b"INFO" and at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        value = data[at + 8 : end].split(b"\0")[0]
        pieces.append((data[at : at + 4], value, data[at : end + (end & 1)]))
        at = end + (end & 1)
    return pieces


def _set_info(file, chunk, name, value):
    """Return a chunk with another value of a piece of information, where it has one."""
    pieces = _split_info(read_span(file, *chunk.data))
    if not any(own == name for own, _, _ in pieces):
        return Span(chunk.start, chunk.end)
    new = _make_chunk(name, value + b"\0", "<I")
    return _make_chunk(
        b"LIST", b"INFO" + b"".join(new if own == name else old for own, _, old in pieces), "<I"
    )
