"""`skgenre timeline`: the genres through a song or a mix."""

from pathlib import Path
from typing import Annotated

import typer

from .._names import printable
from ._model import open_classifier
from ._outputs import check_output, keep_inputs, naming
from ._predict import Model
from ._rows import ChosenFormat, Output, choose_format, open_rows

NAME = "timeline"
EXAMPLE = "skgenre timeline mix.mp3 --plot mix.png"
# A window is silent if no more than a hundredth of it is above -60 dBFS.
_SILENCE, _MOST_SOUND = 1e-3, 0.01
_COLUMNS = ["start", "end", "genre", "confidence"]
_PICTURES = (".png", ".jpg", ".jpeg", ".pdf", ".svg", ".webp")


def _check_plot(param: typer.CallbackParam, path: Path | None):
    path = check_output(param, path)
    if path is None:
        return None
    if path.suffix.lower() not in _PICTURES:
        raise ValueError(f"--plot needs a name that ends in {', '.join(_PICTURES)}")
    from ..inspection._plotting import import_pyplot

    import_pyplot()  # before anything is computed for a plot that cannot be drawn
    return path


def run(
    file: Annotated[str, typer.Argument(help="An audio file of any length.")],
    model: Model = "gtzan-10",
    window: Annotated[
        float, typer.Option(help="Length of a window in seconds.", min=0.5, max=600)
    ] = 10.0,
    plot: Annotated[
        Path | None, typer.Option(callback=_check_plot, help="Also draw a plot to this file.")
    ] = None,
    format: ChosenFormat = None,
    output: Output = None,
):
    """Show the genres through a song or an hour-long mix.

    Exit status: 0, or 1 if the file cannot be read to its end.
    """
    from ..audio import AudioError
    from ._app import tell

    for written in (output, plot):
        keep_inputs(written, [file, model])
    clf = open_classifier(model)
    heard: list = []
    status = 0
    with open_rows(choose_format(format, output), _COLUMNS, _as_text, output=output) as write:
        stretch = None
        try:
            for start, end, y in _cut(file, clf.model.info.sr, window):
                if stretch and end - start < window / 2:
                    stretch.end = end  # the rest is too short to be judged
                    continue
                proba = _judge(clf, y)
                heard.append(proba)
                genre = None if proba is None else clf._decide(proba[None])[0].item()
                if stretch and stretch.genre == genre:
                    stretch.add(end, proba)
                    continue
                if stretch:
                    write(stretch.as_row())
                stretch = _Stretch(start, end, genre, proba)
        except AudioError as error:
            tell(f"Error: {error}")
            status = 1
        if stretch:
            write(stretch.as_row())
    if plot is not None and heard:
        _draw(clf, heard, window, plot)
    raise typer.Exit(status)


class _Stretch:
    """Windows of one genre, one after the other."""

    def __init__(self, start, end, genre, proba):
        self.start, self.end, self.genre = start, end, genre
        self.confidences = [] if proba is None else [float(proba.max())]

    def add(self, end, proba):
        """Add a window."""
        self.end = end
        self.confidences += [] if proba is None else [float(proba.max())]

    def as_row(self):
        """Return what is written."""
        n = len(self.confidences)
        confidence = round(sum(self.confidences) / n, 4) if n else None
        values = (round(self.start, 3), round(self.end, 3), self.genre, confidence)
        return dict(zip(_COLUMNS, values, strict=True))


def _cut(file, sr, window):
    """Yield start, end and waveform of each window; the last may be shorter."""
    from ..audio import read_blocks

    start = 0.0
    for y in read_blocks(file, sr=sr, block_duration=window):
        end = start + len(y) / sr
        yield start, end, y
        start = end


def _judge(clf, y):
    """Return the probabilities of a window, or None if it is silent."""
    if (abs(y) > _SILENCE).mean() <= _MOST_SOUND:
        return None
    return clf.predict_proba([(y, clf.model.info.sr)])[0]


def _draw(clf, heard, window, path):
    import numpy as np

    from ..inspection import SegmentTimelineDisplay

    proba = np.array([np.full(len(clf.classes_), np.nan) if p is None else p for p in heard])
    if np.isnan(proba).any():
        proba = np.where(np.isnan(proba), clf.class_prior_, proba)
    display = SegmentTimelineDisplay.from_predictions(
        proba, classes=clf.classes_, segment_duration=window
    )
    with naming(path):
        display.figure_.savefig(path, dpi=150)


def _as_text(row):
    confidence = "" if row["confidence"] is None else f"{row['confidence']:4.0%}"
    genre = "silence" if row["genre"] is None else printable(row["genre"])
    return f"{_clock(row['start'])} to {_clock(row['end'])}  {confidence:4}  {genre}"


def _clock(seconds):
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:2}:{seconds:02}"
