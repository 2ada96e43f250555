"""What a check has heard so far, in a file of its own, so that one that was stopped can go on.

The first line says what the file is, each other line what is known of a song, behind a CRC-32.
"""

import base64
import dataclasses
import json
import os
import zlib
from contextlib import suppress
from importlib.metadata import version

import numpy as np

from .._checked_files import write_whole
from .._names import printable
from ..audio._examine import Examination
from ._outputs import naming

_TITLE = b"what skgenre check has heard, version "


class Examined:
    """A file of what is known of songs.

    Parameters
    ----------
    path : Path
        The file, which is made.
    songs : list of str
        The songs that are checked.
    timeout : float
        How long each may take, in seconds.
    is_resumed : bool
        Whether to begin with what the file has.

    Attributes
    ----------
    known : dict of str to Examination
        What the file had of these songs, if they are as they were.

    Raises
    ------
    OSError
        If the file cannot be read or written.
    ValueError
        If there is a file of another kind.
    """

    def __init__(self, path, songs, *, timeout, is_resumed):
        self.path = path
        self._timeout = timeout
        # as the songs are before they are heard
        self._states = {song: _state_of(song) for song in songs}
        title = _TITLE + version("skgenre").encode() + b"\n"
        before = path.read_bytes() if path.exists() else b""
        if not before.startswith(_TITLE[: len(before)]):
            raise ValueError(
                f"{printable(path)} is in the way: skgenre check writes a file of this name while "
                "it runs. Move it, or choose another --output"
            )
        lines = before.splitlines(keepends=True)
        is_ours = is_resumed and lines[:1] == [title]
        self.known = self._read(lines[1:]) if is_ours else {}
        write_whole(path, title, *(self._line(song, self.known[song]) for song in self.known))
        self._file = open(path, "ab", buffering=0)  # noqa: SIM115

    def add(self, song, found):
        """Note the `Examination` of a song."""
        with naming(self.path):
            self._file.write(self._line(song, found))

    def close(self):
        """Close the file."""
        self._file.close()

    def remove(self):
        """Remove the file, whose purpose is fulfilled."""
        self.close()
        self.path.unlink()

    def _line(self, song, found):
        entry = {"song": self._states[song], "timeout": self._timeout, "found": _encode(found)}
        text = json.dumps(entry).encode()
        return b"%08x %s\n" % (zlib.crc32(text), text)

    def _read(self, lines):
        names = {tuple(state): song for song, state in self._states.items() if state}
        known = {}
        for line in lines:
            # lines that were cut or damaged are of songs that are heard again
            with suppress(ValueError, KeyError, TypeError):
                checksum, text = line.rstrip(b"\n").split(b" ", 1)
                if int(checksum, 16) != zlib.crc32(text):
                    continue
                entry = json.loads(text)
                song, found = names.get(tuple(entry["song"])), _decode(entry["found"])
                # what took too long may be given more time
                if song and (found.error is None or entry["timeout"] == self._timeout):
                    known[song] = found
        return known


def _state_of(song):
    """Return what tells whether a song has changed, or nothing if that is not known."""
    try:
        file = os.stat(song)
    except OSError:
        return []
    return [os.path.abspath(song), file.st_size, file.st_mtime_ns, file.st_ctime_ns]


def _encode(found):
    return dataclasses.asdict(found) | {
        "digest": found.digest.hex(),
        "fingerprint": base64.b64encode(found.fingerprint.astype("<u4").tobytes()).decode(),
    }


def _decode(fields):
    fingerprint = np.frombuffer(base64.b64decode(fields["fingerprint"]), dtype="<u4")
    return Examination(
        **fields
        | {
            "error": fields["error"] and tuple(fields["error"]),
            "digest": bytes.fromhex(fields["digest"]),
            "fingerprint": fingerprint.astype(np.uint32),
        }
    )
