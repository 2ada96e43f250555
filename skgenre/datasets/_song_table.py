"""Tables of songs, as a spreadsheet saves them."""

import os

from .._names import printable
from ._artists import is_known
from ._csv import read_records
from ._songs import Song
from ._tags import clean_text

_NEEDED = ("path", "genre")
_COLUMNS = (*_NEEDED, "artist", "album", "title")
_MAX_NUMBERS = 10


def read_songs(table):
    """Return the songs of a CSV file.

    Parameters
    ----------
    table : Path
        The file.

    Returns
    -------
    songs : list of Song

    Raises
    ------
    FileNotFoundError
        If the file, or one of the songs, is missing.
    ValueError
        If it is no table with a path and a genre in each row.
    """
    rows = {
        number: {name: text if name == "path" else clean_text(text) for name, text in row.items()}
        for number, row in _read_rows(table).items()
    }
    for name, missing_values in (("path", ("",)), ("genre", ("", "nan"))):
        without = [n for n, row in rows.items() if row[name].strip() in missing_values]
        _refuse(table, without, f"no {name}")
    first: dict[str, int] = {}
    for number, row in rows.items():
        row["path"] = str(table.parent / os.path.expanduser(row["path"]))
        first.setdefault(row["path"], number)
    repeated = [number for number, row in rows.items() if first[row["path"]] != number]
    _refuse(table, repeated, "a path that an earlier row has, too,")
    missing = [number for number, row in rows.items() if not os.path.isfile(row["path"])]
    if missing:
        raise FileNotFoundError(
            f"{printable(table)}: there is no file {printable(rows[missing[0]]['path'])} "
            f"({_list_numbers(missing)}). Correct the path, which is taken from the folder of the "
            "table, or leave the row out."
        )
    return [_song(**row) for row in rows.values()]


def _song(path, genre, artist="", album="", title=""):
    artist, album = (name if name and is_known(name) else None for name in (artist, album))
    return Song(path, [genre], artist=artist, album=album, title=title or None)


def _read_rows(table):
    """Return the columns that count of each row, by its number, the header being row 1."""
    records = read_records(table)
    names = [name.strip().casefold() for name in (records or [[]])[0]]
    for name in _COLUMNS:
        if names.count(name) > 1 or (name in _NEEDED and name not in names):
            shown = ", ".join(map(printable, names)) or "none"
            raise ValueError(
                f"{printable(table)} needs one column named {name!r} in its first row; its columns "
                f"are {shown}"
            )
    numbered = enumerate(records[1:], start=2)
    rows = {number: row for number, row in numbered if any(map(str.strip, row))}
    if not rows:
        raise ValueError(f"{printable(table)} has no songs")
    too_long = [number for number, row in rows.items() if any(row[len(names) :])]
    _refuse(table, too_long, "more cells than the first row (text with commas needs quotes)")
    places = {name: names.index(name) for name in _COLUMNS if name in names}
    return {
        number: {name: row[at] if at < len(row) else "" for name, at in places.items()}
        for number, row in rows.items()
    }


def _refuse(table, numbers, what):
    if numbers:
        raise ValueError(
            f"{printable(table)} has {what} in {_list_numbers(numbers)}. Correct these rows, or "
            "leave them out."
        )


def _list_numbers(numbers):
    named = ", ".join(map(str, numbers[:_MAX_NUMBERS]))
    rest = f" and {len(numbers) - _MAX_NUMBERS} more" if len(numbers) > _MAX_NUMBERS else ""
    return f"{'row' if len(numbers) == 1 else 'rows'} {named}{rest}"
