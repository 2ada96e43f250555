"""Servers: they fail for a moment, stop answering, and repeat secret addresses in their errors."""

import math
import re
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
# Of errors that have none.
_WORDS = (
    (FileNotFoundError, "no such file"),
    (TimeoutError, "the server stopped answering"),
)
_MOST_LETTERS = 200
# Neither s3fs nor botocore takes what is secret from an address; they repeat it in their errors.
_S3_WITH_USER = re.compile(r"s3a?://(?!arn:)[^/]*[:@]", re.IGNORECASE)


class UnansweredError(Exception):
    """A server that did not answer within the time it was given."""


def check_address(name):
    """Refuse an address with a user and a password where nothing reads these.

    Raises
    ------
    ValueError
        If there is something like it.
    """
    if _S3_WITH_USER.match(name):
        raise ValueError(
            "an address of S3 takes no user and password; set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY in the environment"
        )


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
    said = " ".join(str(error).split()) or type(error).__name__
    if not str(error):
        said = next((words for kind, words in _WORDS if isinstance(error, kind)), said)
    return printable(hide_secrets(said))[:_MOST_LETTERS]
