"""Journals: JSON, line by line, of what it takes to have files back as they were.

A file's line is on the disk before the file changes. Whether the file then did change is told by
its SHA-256, which is that before or that after.
"""

import json
import os
from contextlib import suppress

from .._names import printable
from .._system_errors import explain
from ._pieces import UnfitError
from ._replace import sync_folder

_TITLE = {"journal": "skgenre tag", "version": 1}


class Journal:
    """A journal that is written.

    Parameters
    ----------
    path : path
        The file. If there is one, lines are added to it.

    Raises
    ------
    OSError
        If it cannot be opened.
    ValueError
        If there is a file which is no journal, or it cannot be written.
    """

    def __init__(self, path):
        self.path = os.path.abspath(os.fsdecode(path))
        if os.path.exists(self.path) and os.path.getsize(self.path):
            _check_title(self.path)
        self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115
        self._folders: set[str] = set()
        with open(self.path, "rb") as file:
            n_whole = sum(len(line) for line in file if line.endswith(b"\n"))
        # of a process that was killed
        self._file.truncate(n_whole)
        if not n_whole:
            self._write(_TITLE)
            sync_folder(os.path.dirname(self.path))

    def enter(self, folder):
        """Note that files are written in a folder, and tell whether that is new."""
        is_new = folder not in self._folders
        if is_new:
            self._write({"folder": folder})
            self._folders.add(folder)
        return is_new

    def add(self, **entry):
        """Write what it takes to have a file back."""
        self._write(entry)

    def close(self):
        """Close the file."""
        self._file.close()

    def _write(self, entry):
        end = os.fstat(self._file.fileno()).st_size
        left = json.dumps(entry).encode() + b"\n"
        try:
            while left:
                left = left[self._file.write(left) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
            raise UnfitError(f"the journal cannot be written: {explain(error)}") from None


def read_journal(path):
    """Return the folders and the entries of a journal, and the numbers of lines that are damaged.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no journal.
    """
    _check_title(path)
    folders, entries, damaged = [], [], []
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            entry = _parse(line)
            if isinstance(entry.get("folder"), str):
                folders.append(entry["folder"])
            elif _is_entry(entry):
                entries.append(entry)
            # the last line is cut where a process was killed, before it changed the file
            elif number > 1 and line.endswith(b"\n"):
                damaged.append(number)
    return folders, entries, damaged


def _check_title(path):
    with open(path, "rb") as file:
        line = file.readline(1000)
    title = _parse(line)
    if title.get("journal") != _TITLE["journal"] and not (
        # so short was the life of a process
        json.dumps(_TITLE).encode().startswith(line)
    ):
        raise ValueError(f"{printable(path)} is no journal of skgenre tag")
    if title.get("version", 1) != _TITLE["version"]:
        raise ValueError(f"{printable(path)} was written by a newer version of skgenre")


def _parse(line):
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _is_entry(entry):
    kinds = {"path": str, "before": str, "after": str, "mtime_ns": int, "delta": list}
    return all(isinstance(entry.get(name), kind) for name, kind in kinds.items())
