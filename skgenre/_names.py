"""Names that people gave, as messages and pictures show them."""

import re

_BLANKS_AT_AN_END = re.compile("\\A[ \u3000]+|[ \u3000]+\\Z|[ \u3000]+(?=/\\S)|(?<=\\S/)[ \u3000]+")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# a password may hold a slash, and the number of a port is none
_USER = r"(?<=://)(?:[^\s/?#]*|[^\s/?#:]*:(?!\d+/)[^\s?#]*)@"
_SECRETS = re.compile(_USER + r"|\?.*")
_SECRETS_INSIDE = re.compile(_USER + r"|\?\S+")
# Inside a word they shape Persian, Indic and emoji; at any other place nobody sees them.
_JOINER = re.compile("(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f])")
# Empty, though Unicode calls them letters or symbols.
_EMPTY = "\u115f\u2800\u3164\uffa0"


def printable(name):
    r"""Return a name on one line, with all that cannot be seen or printed escaped.

    Control characters, marks of direction, bytes that are not UTF-8, and blanks at an end become
    what a Python string has for them, such as ``\n``. Letters of every language stay.

    Parameters
    ----------
    name : object
        A path, a genre, an artist; what is no string is shown as ``str`` has it.

    Returns
    -------
    text : str

    Examples
    --------
    >>> from skgenre._names import printable
    >>> print(printable("Björk\n - Jóga "))
    Björk\n - Jóga\x20
    """
    name = str(name)
    joiners = {match.start() for match in _JOINER.finditer(name)}
    blanks = {place for match in _BLANKS_AT_AN_END.finditer(name) for place in range(*match.span())}
    return "".join(
        _escape(letter) if place in blanks or not (_is_seen(letter) or place in joiners) else letter
        for place, letter in enumerate(name)
    )


def _is_seen(letter):
    return letter == "\u3000" or (letter.isprintable() and letter not in _EMPTY)


def _escape(letter):
    return r"\x20" if letter == " " else letter.encode("unicode_escape").decode("ascii")


def join_some(names, n_most=20):
    """Return the first names with commas between them, and how many more there are."""
    rest = f" and {len(names) - n_most} more" if len(names) > n_most else ""
    return ", ".join(names[:n_most]) + rest


def is_remote(name):
    """Tell whether a path is an address that fsspec knows, such as ``s3://bucket/song.mp3``."""
    return _ADDRESS.match(name) is not None


def without_secrets(name):
    """Return an address without its user and its query, which may give access; a path as it is."""
    return _SECRETS.sub("", name) if is_remote(name) else name


def hide_secrets(message):
    """Return a message without the users and queries of addresses in it."""
    return _SECRETS_INSIDE.sub("", message)
