"""What genres are to be called: a table of two columns."""

from pathlib import Path
from typing import Annotated

import typer

from .._names import printable

MapFile = Annotated[
    Path | None,
    typer.Option(
        "--map",
        help="CSV with a genre and its new name on each line; without a new name it is left out.",
    ),
]


def read_genre_map(path, known=None):
    """Return new names of genres from a CSV file of two columns.

    Parameters
    ----------
    path : Path or None
        No file has no new names.
    known : sequence of str or None
        The only genres that it may name; None takes any, in any spelling.

    Returns
    -------
    renamed : dict of str to str or None
        None is for genres that are left out.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, or names a genre twice.
    """
    if path is None:
        return {}
    from ..datasets._csv import read_records
    from ..datasets._genre_names import genre_key
    from ..datasets._tags import clean_text

    names = {clean_text(name): name for name in known or ()}
    renamed: dict[str, str | None] = {}
    by_key: dict[str, str | None] = {}
    for number, record in enumerate(read_records(path), 1):
        cells = [clean_text(cell) for cell in record]
        if not any(cells):
            continue
        line = f"{printable(path)}, line {number}"
        if len(cells) < 2 or not cells[0] or any(cells[2:]):
            raise ValueError(f"{line}: give a genre, a comma and its new name")
        old, new = cells[0], cells[1] or None
        if known is not None and old not in names:
            raise ValueError(f"{line}: the model has no genre {old}, only {', '.join(known)}")
        if by_key.setdefault(genre_key(old) if known is None else old, new) != new:
            raise ValueError(f"{line}: {old} is there twice")
        renamed[names.get(old, old)] = new
    return renamed
