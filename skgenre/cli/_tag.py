"""`skgenre tag`: genres into the tags of files, and back."""

import time
from collections import Counter
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .._names import printable
from ..tagging import FIELDS, TagChange, apply, choose, look_at, undo
from ._genre_map import MapFile, read_genre_map
from ._outputs import check_output, check_writable, keep_inputs
from ._predict import Jobs, Model, Timeout
from ._progress import Quiet, follow
from ._rows import ChosenFormat, Output, choose_format, open_rows
from ._songs import NullSeparated, Paths, list_songs

NAME = "tag"
EXAMPLE = "skgenre tag my-music --apply"
_COLUMNS = list(TagChange._fields)
Field = StrEnum("Field", {name.upper(): name for name in FIELDS})  # type: ignore[misc]


def run(
    paths: Paths = None,  # type: ignore[assignment]
    apply_changes: Annotated[
        bool,
        typer.Option("--apply/--dry-run", help="Change the files, or only show what would change."),
    ] = False,
    undo_journal: Annotated[
        Path | None,
        typer.Option(
            "--undo", metavar="JOURNAL", help="Undo the changes in this journal, byte for byte."
        ),
    ] = None,
    model: Model = "gtzan-10",
    min_confidence: Annotated[
        float, typer.Option(help="Leave files unchanged below this confidence.", min=0, max=1)
    ] = 0.7,
    top: Annotated[
        int, typer.Option(help="How many genres to write, as separate values.", min=1)
    ] = 1,
    field: Annotated[Field, typer.Option(help="The tag to write.")] = Field.GENRE,  # type: ignore[attr-defined]
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also change files that already have a genre.")
    ] = False,
    map_file: MapFile = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            callback=check_output,
            help="The file that --undo needs. Default: skgenre-tag-TIME.jsonl.",
        ),
    ] = None,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Keep the modification times of files.")
    ] = False,
    format: ChosenFormat = None,
    output: Output = None,
    jobs: Jobs = -1,
    timeout: Timeout = None,
    null: NullSeparated = False,
    quiet: Quiet = False,
):
    """Write genres into the tags of files; without --apply, show what would be written.

    The audio and all other tags stay unchanged. Exit status: 0, or 1 if some files could not be
    read or written.
    """
    if (undo_journal is None) != bool(paths):
        raise typer.BadParameter("Give either PATH or --undo JOURNAL")
    counts: Counter = Counter()
    try:
        # closed at once, also after Ctrl-C: threads that still hear would end the process aloud
        with ExitStack() as closing:
            if undo_journal is not None:
                changes, total = undo(undo_journal), None
            else:
                if apply_changes:
                    journal = journal or Path(time.strftime("skgenre-tag-%Y%m%d-%H%M%S.jsonl"))
                    check_writable(journal)
                songs, _ = list_songs(paths, null=null)
                for written in (output, journal):
                    keep_inputs(written, [model, map_file, *songs])
                clf, genres, renamed = _prepare(model, map_file, timeout)
                looked = list(look_at(songs, field=field.value, overwrite=overwrite))
                chosen = {"top": top, "min_confidence": min_confidence, "renamed": renamed}
                changes, total = _decide(looked, clf, genres, jobs, chosen), len(songs)
                closing.callback(changes.close)
                if apply_changes:
                    changes = apply(changes, journal, field=field.value, keep_times=keep_times)
            _write_rows(changes, total, choose_format(format, output), output, quiet, counts)
    finally:
        if counts and not quiet:
            _tell_counts(counts, journal)
    raise typer.Exit(1 if counts["failed"] else 0)


def _prepare(model, map_file, timeout):
    """Return the classifier, the names of its genres, and what to write for them."""
    from ..audio._errors import AudioError  # noqa: F401 - loads the decoders before the threads do
    from ..persistence import load_model

    clf = load_model(model).set_params(timeout=timeout)
    genres = list(map(str, clf.classes_))
    return clf, genres, read_genre_map(map_file, genres)


def _decide(looked, clf, genres, jobs, chosen):
    """Yield what becomes of each file, now that the open ones are heard."""
    from ._hear import hear

    answers = hear(clf, [change.path for change in looked if change.status == "open"], n_jobs=jobs)
    for change in looked:
        if change.status != "open":
            yield change
            continue
        answer = next(answers)
        if answer.error is not None:
            yield change._replace(status="failed", reason=answer.error)
        elif clf._decide(answer.proba[None])[0] not in clf.classes_:
            yield change._replace(status="kept", reason="the model is not sure enough")
        else:
            order = answer.proba.argsort()[::-1]
            ranked = [(genres[i], round(float(answer.proba[i]), 4)) for i in order]
            yield choose(change, ranked, **chosen)


def _write_rows(changes, total, form, output, quiet, counts):
    with open_rows(form, _COLUMNS, _as_text, output=output) as write:
        for change in follow(
            changes,
            total=total,
            is_shown=not quiet,
            has_failed=lambda change: change.status == "failed",
        ):
            counts[change.status] += 1
            row = change._asdict()
            write(row | {"old": list(change.old), "new": list(change.new)})


def _as_text(row):
    old, new = (", ".join(map(printable, row[name])) or "-" for name in ("old", "new"))
    becomes = old if row["status"] in ("kept", "failed") else f"{old} -> {new}"
    reason = f"  ({printable(row['reason'])})" if row["reason"] else ""
    sure = "" if row["confidence"] is None or reason else f"  {row['confidence']:.0%}"
    return f"{row['status']:8} {becomes:24} {printable(row['path'])}{sure}{reason}"


def _tell_counts(counts, journal):
    from ._app import tell

    names = {
        "change": "would change",
        "written": "written",
        "restored": "restored",
        "kept": "unchanged",
        "failed": "failed",
    }
    told = [f"{counts[status]} {name}" for status, name in names.items() if counts[status]]
    n_files = sum(counts.values())
    tell(f"{n_files} file{'s' * (n_files > 1)}: {', '.join(told)}")
    if counts["change"]:
        tell("Nothing was written. Add --apply to write")
    if counts["written"]:
        tell(f"To undo: skgenre tag --undo {printable(journal)}")
