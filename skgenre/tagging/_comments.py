"""Vorbis comments: all but those of one field stay as they are, to the bit."""

import struct

from ._id3 import HEADER_SIZE, find_tag_size
from ._pieces import Span, UnfitError, find_size, read_span

_MARK = b"fLaC"
_PADDING, _COMMENTS = 1, 4
_LAST = 0x80
# what is left free behind blocks that had to grow, so that the next change is a small one
_ROOM = 1024
_LARGEST = 2**24 - 1


def set_values(file, key, values):
    """Return the pieces of an open FLAC file with other values of a field."""
    start = find_tag_size(file.read(HEADER_SIZE)) if file.seek(0) == 0 else 0
    blocks, end = _read_blocks(file, start)
    kinds = [kind for kind, _ in blocks]
    if _COMMENTS not in kinds:
        vendor = b"skgenre"
        blocks.append((_COMMENTS, struct.pack("<I", len(vendor)) + vendor + bytes(4)))
    kept = [
        (kind, set_in_block(data, key, values) if kind == _COMMENTS else data)
        for kind, data in blocks
        if kind != _PADDING
    ]
    used = len(_MARK) + sum(4 + len(data) for _, data in kept)
    left = end - start - used - 4
    kept.append((_PADDING, bytes(left if 0 <= left <= _LARGEST else _ROOM)))
    if any(len(data) > _LARGEST for _, data in kept):
        raise UnfitError("its comments are as long as FLAC allows")
    written = [
        bytes([kind | (_LAST if i == len(kept) - 1 else 0)]) + len(data).to_bytes(3, "big") + data
        for i, (kind, data) in enumerate(kept)
    ]
    return [Span(0, start), _MARK, *written, Span(end, find_size(file))]


def _read_blocks(file, start):
    """Return the metadata blocks as pairs of kind and bytes, and where the sound begins."""
    at, blocks, kind = start + len(_MARK), [], 0
    if read_span(file, start, at) != _MARK:
        raise UnfitError("it does not begin as FLAC files do")
    while not kind & _LAST:
        kind, *size = read_span(file, at, at + 4)
        n_bytes = int.from_bytes(size, "big")
        blocks.append((kind & ~_LAST, read_span(file, at + 4, at + 4 + n_bytes)))
        at += 4 + n_bytes
    return blocks, at


def set_in_block(block, key, values):
    """Return a block of comments with other values of a field."""
    try:
        vendor, at = _take(block, 0)
        (n_comments,) = struct.unpack_from("<I", block, at)
        comments, at = [], at + 4
        for _ in range(n_comments):
            comment, at = _take(block, at)
            comments.append(comment)
        rest = block[at:]
    except (struct.error, IndexError):
        raise UnfitError("its comments are damaged") from None
    own = key.encode() + b"="
    places = [i for i, text in enumerate(comments) if text[: len(own)].upper() == own]
    at = places[0] if places else len(comments)
    kept = [text for i, text in enumerate(comments) if i not in places]
    comments = [*kept[:at], *(own + value.encode() for value in values), *kept[at:]]
    sized = b"".join(struct.pack("<I", len(text)) + text for text in [vendor, *comments])
    split = 4 + len(vendor)
    return sized[:split] + struct.pack("<I", len(comments)) + sized[split:] + rest


def _take(block, at):
    (size,) = struct.unpack_from("<I", block, at)
    end = at + 4 + size
    if end > len(block):
        raise IndexError
    return block[at + 4 : end], end
