def make_progress():
    """Return a rich progress display: description, bar, count, the task's ``info``, time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[info]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def track(iterable, *, total, description, unit, verbose, done=0, count=None):
    """Yield from an iterable, behind a progress bar with rate and time left if verbose.

    Parameters
    ----------
    iterable : iterable
    total : int
        How many units there are.
    description, unit : str
        What the bar says.
    verbose : int
        0 shows nothing.
    done : int, default=0
        How many units were done before.
    count : callable, default=None
        From an item to how many units it stands for. ``None``: one.
    """
    if not verbose:
        yield from iterable
        return
    with make_progress() as progress:
        task = progress.add_task(description, total=total, completed=done, info="")
        for item in iterable:
            yield item
            speed = progress.tasks[0].speed
            n_units = 1 if count is None else count(item)
            progress.update(task, advance=n_units, info=f"{speed:.1f} {unit}/s" if speed else "")
