"""`skgenre check`: what is wrong with files."""

import sys

import typer

from .._names import printable
from ._outputs import keep_inputs
from ._predict import Jobs, Timeout
from ._progress import Quiet
from ._rows import ChosenFormat, Output, choose_format, open_rows
from ._songs import NullSeparated, Paths, list_songs
from ._words import count

NAME = "check"
EXAMPLE = "skgenre check my-music"
_COLUMNS = ["path", "fault", "value", "detail"]
_UNREADABLE = ("unreadable", "truncated", "empty", "nan")


def run(
    paths: Paths,
    format: ChosenFormat = None,
    output: Output = None,
    jobs: Jobs = -1,
    timeout: Timeout = 120.0,
    null: NullSeparated = False,
    quiet: Quiet = False,
):
    """Find files that cannot be read, are cut off, silent, clipped, or there twice.

    The status is 1 if some cannot be read.
    """
    from ..audio import find_faults
    from ._app import tell

    songs, left_out = list_songs(paths, null=null)
    keep_inputs(output, songs)
    is_shown = not quiet and sys.stderr.isatty()
    faults = find_faults(songs, n_jobs=jobs, timeout=timeout, verbose=int(is_shown))
    with open_rows(choose_format(format, output), _COLUMNS, _as_text, output=output) as write:
        for path in left_out:
            faults.loc[len(faults)] = [path, "passed over", None, left_out[path]]
        for row in faults.astype(object).where(faults.notna(), None).to_dict("records"):
            write(row)
    if not quiet:
        n_faulty = faults["path"].nunique()
        tell(f"{count(len(songs), 'file')}, {n_faulty or 'none'} with something to look at")
    raise typer.Exit(int(faults["fault"].isin(_UNREADABLE).any()))


def _as_text(row):
    detail = "" if row["detail"] is None else printable(row["detail"])
    return f"{row['fault']:14} {printable(row['path'])}  {detail}".rstrip()
