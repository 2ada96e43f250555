"""New files that are put together from ranges of an old one and from bytes."""

import os
import shutil
from typing import NamedTuple

_AT_ONCE = 2**20


class Span(NamedTuple):
    """Some bytes of the old file."""

    start: int
    end: int


class UnfitError(ValueError):
    """A file cannot hold what is to be written, or cannot be changed without harm; says why."""


def read_span(file, start, end):
    """Return the bytes of a file from one place to another."""
    file.seek(start)
    data = file.read(end - start)
    if len(data) != end - start:
        raise UnfitError("it ends in the middle of its tags")
    return data


def find_size(file):
    """Return the size of an open file in bytes."""
    return os.fstat(file.fileno()).st_size


def write_pieces(pieces, source, target):
    """Write bytes and spans of an open file to another, one behind the other."""
    for piece in pieces:
        if not isinstance(piece, Span):
            target.write(piece)
            continue
        source.seek(piece.start)
        left = piece.end - piece.start
        while left and (data := source.read(min(left, _AT_ONCE))):
            target.write(data)
            left -= len(data)


def copy_whole(source, target):
    """Write all of an open file to another."""
    source.seek(0)
    shutil.copyfileobj(source, target, _AT_ONCE)
