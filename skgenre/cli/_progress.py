"""How far a command is, on standard error."""

import sys
from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no notes.")]


def follow(results, *, total, is_shown, has_failed):
    """Yield results, behind a bar with files per second, failures and time left where it is shown.

    Parameters
    ----------
    results : iterable
    total : int
    is_shown : bool
    has_failed : callable
        Whether a result counts as a failure.
    """
    if not (is_shown and sys.stderr.isatty()):
        yield from results
        return
    from .._progress import make_progress

    n_failed = 0
    with make_progress() as progress:
        task = progress.add_task("files", total=total, info="")
        for result in results:
            yield result
            n_failed += has_failed(result)
            speed = progress.tasks[0].speed
            info = [f"{speed:.1f} files/s"] if speed else []
            info += [f"{n_failed} failed"] if n_failed else []
            progress.update(task, advance=1, info=", ".join(info))
