"""Rows of results as they are found: as lines to read, CSV, JSON, or JSON line by line."""

import csv
import io
import json
import os
import sys
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .._names import printable
from ._outputs import check_output, naming


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


ChosenFormat = Annotated[
    Format | None,
    typer.Option("--format", help="Default: from the extension of --output, or a table."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", callback=check_output, help="Write to this file, not to the terminal."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue the --output of an interrupted run.")
]


def choose_format(chosen, output):
    """Return the format that was asked for, or that of a file's ending."""
    if chosen is not None:
        return chosen
    ending = "" if output is None else output.suffix.lower().lstrip(".")
    return Format(ending) if ending in set(Format) else Format.TABLE


def read_done(output, form, columns):
    """Return the rows of a file that a run left, as dicts, and cut off what is no whole row.

    Raises
    ------
    ValueError
        If rows cannot be added to such a file.
    """
    if output is None or form not in (Format.CSV, Format.JSONL):
        raise ValueError("--resume needs an --output of the format csv or jsonl")
    if not output.exists():
        return []
    text = output.read_bytes().decode("utf-8", "surrogateescape")
    whole = text[: text.rfind("\n") + 1]
    if form is Format.JSONL:
        rows = [_read_json(line) for line in whole.splitlines() if line.strip()]
        is_ours = True
    else:
        # a newline inside quotes ends no row
        while whole.count('"') % 2:
            whole = whole[: whole.rfind("\n", 0, -1) + 1]
        # a spreadsheet that saved it again put a mark before it
        reader = csv.DictReader(io.StringIO(whole.removeprefix("\ufeff"), newline=""))
        rows = list(reader)
        header = _csv_line(columns)
        is_ours = reader.fieldnames == columns if whole else header.startswith(text)
        is_ours = is_ours and not any(None in row.values() for row in rows)
    if not is_ours or any(list(row) != columns for row in rows):
        raise ValueError(
            f"{printable(output)} has other columns than {', '.join(columns)}; --resume continues "
            "what the same command wrote, with the same --top and --tags"
        )
    if whole != text:
        os.truncate(output, len(whole.encode("utf-8", "surrogateescape")))
    return rows


def _read_json(line):
    """Return an object of JSON as a dict, and anything else as one without columns."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


@contextmanager
def open_rows(form, columns, as_text, *, output=None, is_resumed=False):
    """Give a function that writes a row, a dict, whole and at once.

    Parameters
    ----------
    form : Format
    columns : list of str
        The keys of a row, in their order.
    as_text : callable
        From a row to its line in a table.
    output : Path or None
        Where to write; None is standard output.
    is_resumed : bool
        Whether rows are added to those of the file.
    """
    if output is None:
        with _writer(sys.stdout, form, columns, as_text, is_resumed=False) as write:
            yield write
        return
    mode = "a" if is_resumed else "w"
    with (
        naming(output),
        open(output, mode, encoding="utf-8", errors="surrogateescape", newline="") as stream,
        _writer(stream, form, columns, as_text, is_resumed=stream.tell() > 0) as write,
    ):
        yield write


@contextmanager
def _writer(stream, form, columns, as_text, *, is_resumed):
    def put(text):
        stream.write(text)
        stream.flush()

    if form is Format.TABLE:
        yield lambda row: put(as_text(row) + "\n")
    elif form is Format.JSONL:
        yield lambda row: put(json.dumps(row) + "\n")
    elif form is Format.CSV:
        if not is_resumed:
            put(_csv_line(columns))
        yield lambda row: put(_csv_line([_cell(row[name]) for name in columns]))
    else:
        n_rows = 0

        def write(row):
            nonlocal n_rows
            put(("[\n  " if n_rows == 0 else ",\n  ") + json.dumps(row))
            n_rows += 1

        try:
            yield write
        finally:
            put("\n]\n" if n_rows else "[]\n")


def _csv_line(cells):
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _cell(value):
    if value is None:
        return ""
    return "; ".join(value) if isinstance(value, list) else value
