"""`skgenre check`: what is wrong with files."""

from contextlib import closing, nullcontext

import typer

from .._names import printable
from ._outputs import keep_inputs
from ._predict import Jobs, Timeout
from ._progress import Quiet, follow
from ._rows import ChosenFormat, Output, Resume, choose_format, open_rows
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
    resume: Resume = False,
    jobs: Jobs = -1,
    timeout: Timeout = 120.0,
    null: NullSeparated = False,
    quiet: Quiet = False,
):
    """Find files that are unreadable, truncated, silent, clipped or duplicated.

    The status is 1 if some cannot be read.
    """
    from ..audio._faults import name_faults
    from ._app import tell

    if resume and output is None:
        raise ValueError("--resume needs the --output of the interrupted run")
    songs, left_out = list_songs(paths, null=null)
    keep_inputs(output, songs)
    kept = _open_kept(output, songs, timeout, is_resumed=resume)
    if resume and not quiet:
        n_known = len(kept.known) if kept else 0
        tell(
            f"Note: {n_known or 'none'} of {count(len(songs), 'file')} already checked by an "
            "earlier run"
        )
    with closing(kept) if kept else nullcontext():
        found = _examine(songs, kept, jobs, timeout, is_shown=not quiet)
    faults = name_faults(songs, found)
    for path in left_out:
        faults.loc[len(faults)] = [path, "passed over", None, left_out[path]]
    with open_rows(choose_format(format, output), _COLUMNS, _as_text, output=output) as write:
        for row in faults.astype(object).where(faults.notna(), None).to_dict("records"):
            write(row)
    if kept:
        kept.remove()
    if not quiet:
        n_faulty = faults["path"].nunique()
        tell(f"{count(len(songs), 'file')}, {n_faulty or 'none'} with faults")
    raise typer.Exit(int(faults["fault"].isin(_UNREADABLE).any()))


def _open_kept(output, songs, timeout, *, is_resumed):
    """Return the `Examined` beside an output, if that is a file or will be one."""
    if output is None or (output.exists() and not output.is_file()):
        return None
    from ._examined import Examined

    path = output.with_name(f"{output.name}.unfinished")
    return Examined(path, songs, timeout=timeout, is_resumed=is_resumed)


def _examine(songs, kept, jobs, timeout, *, is_shown):
    """Return the `Examination` of each song, which files are still unknown being heard."""
    from ..audio._faults import examine_files

    known = dict(kept.known) if kept else {}
    unknown = [song for song in songs if song not in known]
    # closed at once, also after Ctrl-C: threads that still hear would end the process aloud
    with closing(examine_files(unknown, n_jobs=jobs, timeout=timeout)) as heard:
        followed = follow(
            heard,
            total=len(unknown),
            is_shown=is_shown,
            has_failed=lambda found: found.error is not None,
        )
        for song, found in zip(unknown, followed, strict=True):
            known[song] = found
            if kept:
                kept.add(song, found)
    return [known[song] for song in songs]


def _as_text(row):
    detail = "" if row["detail"] is None else printable(row["detail"])
    return f"{row['fault']:14} {printable(row['path'])}  {detail}".rstrip()
