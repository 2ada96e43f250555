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


def track(iterable, *, total, description, unit, verbose):
    """Yield from an iterable, behind a progress bar with rate and time left if verbose."""
    if not verbose:
        yield from iterable
        return
    with make_progress() as progress:
        task = progress.add_task(description, total=total, info="")
        for item in iterable:
            yield item
            speed = progress.tasks[0].speed
            progress.update(task, advance=1, info=f"{speed:.1f} {unit}/s" if speed else "")
