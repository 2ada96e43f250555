"""What it takes to make an old file from a new one that is the same but for a few places."""

import base64
import hashlib
import zlib

from ._pieces import find_size

_BLOCK, _FINE = 2**20, 2**12
# how far bytes between two places that changed are looked for
_REACH = 2**16
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
    size = find_size(old)
    # the same place from the start, and from the end
    shifts = [0, find_size(new) - size]
    for start in range(0, size, _BLOCK):
        _add_range(parts, old, new, start, min(start + _BLOCK, size), shifts)
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


def _add_range(parts, old, new, start, end, shifts):
    """Add what makes some bytes of the old file, which are looked for where the last ones were."""
    data = _read(old, start, end)
    for shift in shifts:
        if start + shift >= 0 and _read(new, start + shift, end + shift) == data:
            _add_place(parts, start + shift, len(data))
            return
    if end - start > _FINE:
        for fine in range(start, end, _FINE):
            _add_range(parts, old, new, fine, min(fine + _FINE, end), shifts)
        return
    first = max(0, start - _REACH)
    found = _read(new, first, end + _REACH).find(data)
    if found >= 0:
        shifts[2:] = [first + found - start]
        _add_place(parts, first + found, len(data))
    elif parts and isinstance(parts[-1], bytearray):
        parts[-1] += data
    else:
        parts.append(bytearray(data))


def _add_place(parts, place, size):
    if parts and isinstance(parts[-1], list) and sum(parts[-1]) == place:
        parts[-1][1] += size
    else:
        parts.append([place, size])


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
