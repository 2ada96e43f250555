"""What it takes to make an old file from a new one that is the same but for a few places."""

import base64
import hashlib
import zlib

from ._pieces import find_size

_BLOCK, _FINE = 2**20, 2**12
_AT_ONCE = 2**20


def make_delta(old, new):
    """Return what makes an open file from another.

    Returns
    -------
    delta : list
        Places in the new file and how many bytes to take from there, ``[place, size]``, and between
        them strings: bytes that the new file does not have, compressed, in base 64.
    """
    parts: list = []
    size, shift = find_size(old), find_size(new) - find_size(old)
    for start in range(0, size, _BLOCK):
        end = min(start + _BLOCK, size)
        if not _take_same(parts, old, new, start, end, shift):
            for fine in range(start, end, _FINE):
                stop = min(fine + _FINE, end)
                if not _take_same(parts, old, new, fine, stop, shift):
                    _add_bytes(parts, _read(old, fine, stop))
    return [_pack(part) if isinstance(part, bytearray) else part for part in parts]


def apply_delta(delta, new, target):
    """Write the old file, made from an open new one and a delta, to an open file.

    Raises
    ------
    ValueError
        If it is no delta.
    """
    for part in delta:
        if isinstance(part, str):
            target.write(_unpack(part))
            continue
        start, size = part
        for at in range(start, start + size, _AT_ONCE):
            target.write(_read(new, at, min(at + _AT_ONCE, start + size)))


def hash_file(file):
    """Return the SHA-256 of all of an open file, in hexadecimal digits."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def _take_same(parts, old, new, start, end, shift):
    """Add what the new file has at the same place, from its start or from its end."""
    data = _read(old, start, end)
    for place in {start, start + shift}:
        if place >= 0 and _read(new, place, place + len(data)) == data:
            if parts and isinstance(parts[-1], list) and sum(parts[-1]) == place:
                parts[-1][1] += len(data)
            else:
                parts.append([place, len(data)])
            return True
    return False


def _add_bytes(parts, data):
    if not (parts and isinstance(parts[-1], bytearray)):
        parts.append(bytearray())
    parts[-1] += data


def _read(file, start, end):
    file.seek(start)
    return file.read(end - start)


def _pack(data):
    return base64.b64encode(zlib.compress(bytes(data), 9)).decode("ascii")


def _unpack(text):
    try:
        return zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        raise ValueError(str(error)) from None
