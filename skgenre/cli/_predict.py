"""`skgenre predict`: the genres of files and folders."""

import sys
from typing import Annotated

import typer

from .._names import printable
from ._model import open_classifier
from ._outputs import keep_inputs
from ._progress import Quiet, follow
from ._rows import ChosenFormat, Format, Output, Resume, choose_format, open_rows, read_done
from ._songs import NullSeparated, Paths, list_songs
from ._words import count

NAME = "predict"
EXAMPLE = "skgenre predict my-music --output genres.csv"
UNKNOWN = "unknown"
_N_TAGS = 3

Model = Annotated[str, typer.Option(help="A model file, or gtzan-10, which is built in.")]


def _check_jobs(jobs: int):
    if jobs == 0:
        raise typer.BadParameter("Give a number from 1, or -1 for all processors")
    return jobs


Jobs = Annotated[
    int,
    typer.Option(callback=_check_jobs, help="Songs to process at a time; -1 uses all processors."),
]
Timeout = Annotated[
    float | None,
    typer.Option(help="Give up on a file after this many seconds.", min=0.001, max=1e6),
]


def run(
    paths: Paths,
    model: Model = "gtzan-10",
    top: Annotated[int, typer.Option(help="How many genres to show.", min=1)] = 3,
    tags: Annotated[
        bool, typer.Option("--tags", help="Also show tags, such as guitar or slow.")
    ] = False,
    min_confidence: Annotated[
        float, typer.Option(help=f"Below this confidence, the genre is {UNKNOWN}.", min=0, max=1)
    ] = 0.0,
    format: ChosenFormat = None,
    output: Output = None,
    resume: Resume = False,
    jobs: Jobs = -1,
    timeout: Timeout = None,
    null: NullSeparated = False,
    quiet: Quiet = False,
):
    """Predict the genres of audio files, with confidences.

    Exit status: 0, or 1 if some files could not be read.
    """
    from ._app import tell
    from ._hear import hear, name_tags

    clf = open_classifier(model).set_params(timeout=timeout)
    songs, left_out = list_songs(paths, null=null)
    keep_inputs(output, [model, *songs])
    form = choose_format(format, output)
    top = min(top, len(clf.classes_))
    columns = _name_columns(top, tags)
    n_known, n_failed = 0, 0
    if resume:
        done = read_done(output, form, columns)
        n_failed = sum(bool(row["error"]) for row in done)
        known = {row["path"] for row in done}
        n_known = sum(song in known for song in songs)
        songs = [song for song in songs if song not in known]
    widths = max(len(printable(genre)) for genre in [*clf.classes_, UNKNOWN])
    answers = hear(clf, songs, n_jobs=jobs, tagger=name_tags(_N_TAGS, timeout) if tags else None)
    is_seen = form is Format.TABLE and output is None and sys.stdout.isatty()
    if left_out and not quiet:
        was = "other was" if len(left_out) == 1 else "others were"
        tell(f"Note: {len(left_out)} {was} skipped; skgenre check says why")
    with open_rows(
        form, columns, lambda row: _as_text(row, widths), output=output, is_resumed=resume
    ) as write:
        for answer in follow(
            answers,
            total=len(songs),
            is_shown=not quiet and not is_seen,
            has_failed=lambda answer: answer.error is not None,
        ):
            n_failed += answer.error is not None
            write(_make_row(answer, clf, columns, top, min_confidence))
    if n_failed and not quiet:
        tell(f"{n_failed} of {count(n_known + len(songs), 'file')} could not be read")
    raise typer.Exit(1 if n_failed else 0)


def _name_columns(top, tags):
    ranks = ["", *(f"_{rank}" for rank in range(2, top + 1))]
    genres = [f"{name}{rank}" for rank in ranks for name in ("genre", "confidence")]
    return ["path", *genres, *(["tags"] if tags else []), "error"]


def _make_row(answer, clf, columns, top, min_confidence):
    row = dict.fromkeys(columns)
    row.update(path=answer.path, error=answer.error)
    if "tags" in row:
        row["tags"] = answer.tags
    if answer.proba is None:
        return row
    genres = answer.proba.argsort()[::-1][:top]
    values = [value for i in genres for value in _named(clf, i, answer.proba)]
    row.update(zip(columns[1:], values, strict=False))
    row["genre"] = clf._decide(answer.proba[None])[0].item()
    if answer.proba.max() < min_confidence:
        row["genre"] = UNKNOWN
    return row


def _named(clf, i, proba):
    return clf.classes_[i].item(), round(float(proba[i]), 4)


def _as_text(row, width):
    """Return a row as a line: the genre, how sure, the runners-up and the path."""
    path = printable(row["path"])
    if row["error"] is not None:
        return f"{'-':{width}}        {path}: {printable(row['error'])}"
    others = [
        f"{printable(row[f'genre_{rank}'])} {row[f'confidence_{rank}']:.0%}"
        for rank in range(2, len(row))
        if row.get(f"genre_{rank}") is not None
    ]
    told = [f"({', '.join(others)})"] if others else []
    told += [", ".join(row["tags"])] if row.get("tags") else []
    genre = printable(row["genre"])
    return f"{genre:{width}} {row['confidence']:4.0%}   {path}  {'  '.join(told)}".rstrip()
