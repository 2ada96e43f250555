"""APEv2 tags, item by item: all items but those of one field stay as they are, to the bit."""

import struct

from ._pieces import UnfitError, find_size, read_span

_MARK = b"APETAGEX"
_FOOTER_SIZE = 32
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29
_VERSION = 2000
_ID3V1_SIZE = 128
_LYRICS_MARK, _LYRICS_END = b"LYRICS200", 15
_DAMAGED = "its APE tag is damaged"


def find_tag(file):
    """Return where the tag of an open file starts and ends; if there is none, where it would be."""
    end = find_size(file)
    ends = [end]
    if has_id3v1(file):
        end -= _ID3V1_SIZE
        ends.append(end)
        mark = read_span(file, max(0, end - _LYRICS_END), end)
        if mark.endswith(_LYRICS_MARK) and mark[:6].isdigit():
            ends.append(max(0, end - _LYRICS_END - int(mark[:6])))
    for end in ends:
        if end >= _FOOTER_SIZE and read_span(file, end - _FOOTER_SIZE, end).startswith(_MARK):
            return _find_start(file, end), end
    return end, end


def has_id3v1(file):
    """Tell whether an open file ends with an ID3v1 tag."""
    size = find_size(file)
    return size >= _ID3V1_SIZE and read_span(file, size - _ID3V1_SIZE, size)[:3] == b"TAG"


def set_values(tag, key, values):
    """Return a tag, or a new one for no bytes, with other values of an item."""
    items = _split(tag) if tag else []
    value = "\0".join(values).encode()
    new = struct.pack("<2I", len(value), 0) + key.encode() + b"\0" + value
    places = [i for i, (name, _) in enumerate(items) if name == key.lower()]
    at = places[0] if places else len(items)
    kept = [item for i, (_, item) in enumerate(items) if i not in places]
    body = b"".join([*kept[:at], new, *kept[at:]])

    def end(flags):
        about = struct.pack("<4I", _VERSION, len(body) + _FOOTER_SIZE, len(kept) + 1, flags)
        return _MARK + about + bytes(8)

    return end(_HAS_HEADER | _IS_HEADER) + body + end(_HAS_HEADER)


def _find_start(file, end):
    _, size, _, flags = struct.unpack("<4I", read_span(file, end - 24, end - 8))
    start = end - size - (_FOOTER_SIZE if flags & _HAS_HEADER else 0)
    if size < _FOOTER_SIZE or start < 0:
        raise UnfitError(_DAMAGED)
    return start


def _split(tag):
    """Return the items of a tag as pairs of the key, in small letters, and all bytes."""
    _, size, n_items, _ = struct.unpack("<4I", tag[-24:-8])
    body, at, items = tag[-size:-_FOOTER_SIZE], 0, []
    for _ in range(n_items):
        key_end = body.find(b"\0", at + 8)
        if key_end < 0:
            raise UnfitError(_DAMAGED)
        end = key_end + 1 + int.from_bytes(body[at : at + 4], "little")
        if end > len(body):
            raise UnfitError(_DAMAGED)
        items.append((body[at + 8 : key_end].decode("latin-1").lower(), body[at:end]))
        at = end
    if at != len(body):
        raise UnfitError(_DAMAGED)
    return items
