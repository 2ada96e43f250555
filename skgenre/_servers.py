"""Servers: they fail for a moment, stop answering, and repeat secret addresses in their errors."""

import math
import threading
import time
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress

from ._names import hide_secrets, printable

# How long to wait before the next try, in seconds.
_PAUSES = (0.5, 2.0, None)
# What the next try would not change.
FINAL = (FileNotFoundError, PermissionError, IsADirectoryError)
_OF_STATUS = {
    401: PermissionError,
    403: PermissionError,
    404: FileNotFoundError,
    410: FileNotFoundError,
}
_MOST_LETTERS = 200


class UnansweredError(Exception):
    """A server that did not answer within the time it was given."""


def ask(function, *, until=math.inf, final=()):
    """Call a function that asks a server, again if it fails with what may pass.

    Parameters
    ----------
    function : callable
        Called without arguments.
    until : float, default=inf
        When no further try is begun, by `time.monotonic`.
    final : tuple of exception types, default=()
        What is not tried again, beside `FINAL`.
    """
    for pause in _PAUSES:
        try:
            return function()
        except Exception as raised:  # each kind of store has errors of its own
            error = _unmask(raised)
            if (
                pause is None
                or isinstance(error, (*FINAL, *final))
                or time.monotonic() + pause > until
            ):
                raise error from None
        time.sleep(pause)


def _unmask(error):
    """Return what happened, where a library raises something else."""
    hidden = error.__context__
    # fsspec: no such file, whatever an HTTP server answers or that it does not; s3fs: an IndexError
    # where an error has no arguments, as TimeoutError
    if (isinstance(error, FileNotFoundError) and _is_of_http(hidden)) or (
        isinstance(error, IndexError) and isinstance(hidden, OSError)
    ):
        error = hidden
    kind = _OF_STATUS.get(getattr(error, "status", 0))
    return kind() if kind else error


def _is_of_http(error):
    return isinstance(error, TimeoutError) or type(error).__module__.startswith("aiohttp.")


def call_within(seconds, function):
    """Return what a function returns, called in a thread that is left alone if it takes longer.

    Libraries bound single requests at the most, and not what they do together.

    Raises
    ------
    UnansweredError
        If it takes longer.
    """
    outcome: Future = Future()

    def call():
        with suppress(InvalidStateError):  # nobody waits for it any more
            try:
                outcome.set_result(function())
            except BaseException as error:
                outcome.set_exception(error)

    threading.Thread(target=call, daemon=True).start()
    try:
        wait([outcome], timeout=seconds)
    finally:
        is_late = outcome.cancel()
    if is_late:
        raise UnansweredError
    return outcome.result()


def say(error):
    """Return what an error of a server says, short, on one line, and without secrets."""
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, TimeoutError) and not str(error):
        return "the server stopped answering"
    said = " ".join((str(error) or type(error).__name__).split())
    return printable(hide_secrets(said))[:_MOST_LETTERS]
