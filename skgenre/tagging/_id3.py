"""ID3v2 tags, frame by frame: all frames but those of one field stay as they are, to the bit.

A tag keeps its version. Several values are separated by a zero character in all versions: that is
the rule of ID3v2.4, and what readers expect in older ones, too, where "/" would make one value.
"""

import re
from itertools import product

from ._pieces import UnfitError

HEADER_SIZE = 10
# what is left free behind a tag that had to grow, so that the next change is a small one
_PADDING = 1024
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_COMPRESSED_2 = 0x40
_NAMES_2 = {"TCON": "TCO", "TIT1": "TT1", "COMM": "COM"}
_FRAME_NAME = re.compile(rb"[A-Z][A-Z0-9]{2,3}")
_DAMAGED = "its ID3 tag is damaged"


def find_tag_size(header):
    """Return how many bytes the tag has that starts with these ten; 0 if none does."""
    if len(header) < HEADER_SIZE or header[:3] != b"ID3" or max(header[6:10]) > 127:
        return 0
    has_footer = header[3] == 4 and header[5] & _FOOTER
    return HEADER_SIZE + _from_synchsafe(header[6:10]) + (HEADER_SIZE if has_footer else 0)


def set_values(tag, name, values):
    """Return a tag with other values of a field.

    Parameters
    ----------
    tag : bytes
        The whole tag with its padding, or nothing for a new one.
    name : str
        The frame of ID3v2.4 in which the field is: a text frame, or "COMM" for the comment that has
        no description.
    values : sequence of str

    Returns
    -------
    tag : bytes
        As long as it was, if there is room.

    Raises
    ------
    UnfitError
        If the tag cannot hold the values or cannot be read.
    """
    major, flags, frames = _split(tag) if tag else (4, 0, [])
    own = _own_name(name, major)
    new = _make_frame(own, name, major, values)
    places = [i for i, frame in enumerate(frames) if _is_of(frame, own, name, major)]
    at = places[0] if places else len(frames)
    frames = [frame for i, frame in enumerate(frames) if i not in places]
    body = b"".join([*frames[:at], new, *frames[at:]])
    if flags:
        body = _unsynchronise(body)
    room = len(tag) - HEADER_SIZE
    size = room if room >= len(body) else len(body) + _PADDING
    header = b"ID3" + bytes([major, tag[4] if tag else 0, flags]) + _to_synchsafe(size)
    return header + body.ljust(size, b"\0")


def _split(tag):
    """Return the version, the flag of unsynchronisation and the frames of a tag."""
    major, flags = tag[3], tag[5]
    if major not in (2, 3, 4) or (major == 2 and flags & _COMPRESSED_2):
        raise UnfitError(f"its ID3 tag is of a version that is not known (2.{major})")
    size = _from_synchsafe(tag[6:10])
    body = tag[HEADER_SIZE : HEADER_SIZE + size]
    if len(body) < size:
        raise UnfitError(_DAMAGED)
    # in ID3v2.4 each frame is unsynchronised by itself
    is_whole_unsynchronised = major < 4 and flags & _UNSYNCHRONISED
    if is_whole_unsynchronised:
        body = body.replace(b"\xff\x00", b"\xff")
    if major > 2 and flags & _EXTENDED:
        body = _skip_extended_header(body, major)
    # some programs write sizes as another version has them, and some leave old bytes behind
    for has_rest, is_synchsafe in product((False, True), (major == 4, major != 4)):
        frames = _split_frames(body, major, is_synchsafe, has_rest)
        if frames is not None:
            return major, flags & _UNSYNCHRONISED, frames
    raise UnfitError(_DAMAGED)


def _skip_extended_header(body, major):
    # some programs set the flag and write none
    if _FRAME_NAME.fullmatch(body[:4]):
        return body
    size = _from_synchsafe(body[:4]) if major == 4 else int.from_bytes(body[:4], "big") + 4
    return body[size:]


def _split_frames(body, major, is_synchsafe, has_rest):
    """Return the frames of a tag; None if they do not lie one behind the other.

    Behind them are zeros, after the first of which there may be a rest that nobody reads.
    """
    header, name_size = (6, 3) if major == 2 else (10, 4)
    frames, at = [], 0
    while at < len(body) and body[at]:
        size = body[at + name_size : at + 2 * name_size]
        if not _FRAME_NAME.fullmatch(body[at : at + name_size]) or len(size) < name_size:
            return None
        if is_synchsafe and (major == 2 or max(size) > 127):
            return None
        end = at + header + (_from_synchsafe(size) if is_synchsafe else int.from_bytes(size, "big"))
        if end > len(body):
            return None
        frames.append(body[at:end])
        at = end
    return frames if has_rest or not any(body[at:]) else None


def _own_name(name, major):
    if major == 2 and name in _NAMES_2:
        return _NAMES_2[name].encode()
    if major < 4 and name == "TMOO":
        raise UnfitError(f"ID3v2.{major}, which its tag is of, has no place for a mood")
    return name.encode()


def _is_of(frame, own, name, major):
    """Tell whether a frame holds the field."""
    if not frame.startswith(own):
        return False
    if name != "COMM":
        return True
    header = 6 if major == 2 else 10
    is_plain = major == 2 or frame[9] == 0
    # behind the encoding and the language stands the description, which is empty
    nothing = (b"\xff\xfe\0\0", b"\xfe\xff\0\0", b"\0")
    return is_plain and frame[header + 4 :].startswith(nothing)


def _make_frame(own, name, major, values):
    encoding, encode = _choose_encoding(major, values)
    text = encode("\0".join(values))
    if name == "COMM":
        if len(values) > 1:
            raise UnfitError("a comment in an ID3 tag has one value")
        text = b"eng" + encode("\0") + text
    body = bytes([encoding]) + text
    if major == 2:
        return own + len(body).to_bytes(3, "big") + body
    size = _to_synchsafe(len(body)) if major == 4 else len(body).to_bytes(4, "big")
    return own + size + b"\0\0" + body


def _choose_encoding(major, values):
    if major == 4:
        return 3, lambda text: text.encode("utf-8")
    try:
        "".join(values).encode("latin-1")
    except UnicodeEncodeError:
        return 1, lambda text: b"\xff\xfe" + text.encode("utf-16-le")
    return 0, lambda text: text.encode("latin-1")


def _unsynchronise(body):
    body = re.sub(rb"\xff(?=[\xe0-\xff\x00])", b"\xff\x00", body)
    return body + b"\0" if body.endswith(b"\xff") else body


def _from_synchsafe(size):
    return sum(byte << 7 * i for i, byte in enumerate(reversed(size)))


def _to_synchsafe(size):
    return bytes(size >> shift & 127 for shift in (21, 14, 7, 0))
