import atexit
import os
import re
import tempfile
import threading
from contextlib import contextmanager, suppress
from typing import Any

# How mpg123 1.32 complains: with a place in its sources, or in one of these notes and warnings.
_MESSAGE = re.compile(
    rb"\[[^]\n]*libmpg123[^]\n]*\] (?:error|warning): [^\n]*\n?"
    rb"|Note: (?:Illegal Audio-MPEG-Header|Trying to resync|Skipped |Hit end of \(available\) data"
    rb"|Junk at the beginning|Looks like a RIFF|Could be a BMP)[^\n]*\n?"
    rb"|Warning: [^\n]*(?:Frankenstein|Xing stream size)[^\n]*\n?"
)

# The file is kept from one diversion to the next, because a thread may be in the middle of writing
# to it when a diversion ends, and started anew when it has grown to so many bytes.
_MAX_FILE_SIZE = 2**24


class _Diversion:
    """Leads standard error into a file for as long as any thread decodes."""

    def __init__(self):
        self._lock = threading.Lock()
        self._listeners: list[list[str]] = []
        self._file: Any = None
        self._n_read = 0
        atexit.register(self._pass_on_late)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._undo)

    def enter(self, messages):
        with self._lock:
            if not self._listeners:
                self._pass_on_late()
                try:
                    self._saved = os.dup(2)
                except OSError:
                    return  # standard error is closed
                if not self._file or self._n_read > _MAX_FILE_SIZE:
                    try:
                        self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
                    except OSError:
                        os.close(self._saved)
                        return  # nowhere to lead it
                    self._n_read = 0
                os.dup2(self._file.fileno(), 2)
            self._listeners.append(messages)

    def leave(self, messages):
        with self._lock:
            if not self._listeners:
                return
            is_last = len(self._listeners) == 1
            if is_last:
                os.dup2(self._saved, 2)
            self._pass_on(self._saved, whole_lines=not is_last)
            self._listeners = [other for other in self._listeners if other is not messages]
            if is_last:
                os.close(self._saved)

    def _pass_on(self, stderr, whole_lines=False):
        """Give the decoder's lines to all who listen, and the rest to standard error."""
        fd = self._file.fileno()
        text = os.pread(fd, os.fstat(fd).st_size - self._n_read, self._n_read)
        if whole_lines:
            text = text[: text.rfind(b"\n") + 1]
        self._n_read += len(text)
        found = [line.decode(errors="replace").strip() for line in _MESSAGE.findall(text)]
        for messages in self._listeners:
            messages += found
        if others := _MESSAGE.sub(b"", text):
            with suppress(OSError), open(stderr, "wb", closefd=False) as file:
                file.write(others)

    def _pass_on_late(self):
        """Pass on what a thread was just about to write when the last diversion ended."""
        if self._file and not self._listeners:
            self._pass_on(2)

    def _undo(self):
        """Leave the diversion of the parent's threads, which a forked child does not have."""
        if self._listeners:
            os.dup2(self._saved, 2)
        self._lock = threading.Lock()
        self._listeners = []
        self._file = None


_diversion = _Diversion()


@contextmanager
def decoder_messages():
    """Keep the MPEG decoder's messages from standard error, and give them as a list at the end.

    The mpg123 inside libsndfile writes its complaints to file descriptor 2 and cannot be told not
    to. In this context the descriptor leads into a temporary file. What others write there
    meanwhile, from any thread, is passed on when the decoding of a block ends; what was caught in
    the act, with the next file or at exit. Threads that decode at the same time are given each
    other's messages. Does nothing on Windows.
    """
    messages: list[str] = []
    if not hasattr(os, "pread"):
        yield messages
        return
    _diversion.enter(messages)
    try:
        yield messages
    finally:
        _diversion.leave(messages)
