"""The page that `report.py` writes: Markdown with pictures, and the same as one HTML file."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from _report_remarks import describe_run, describe_songs
from _report_tables import (
    make_interval_table,
    make_main_table,
    make_own_table,
    make_score_table,
    make_song_table,
    make_time_table,
)
from markdown_it import MarkdownIt
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from skgenre import ComparisonDisplay, ReliabilityDisplay, TrainingHistoryDisplay
from skgenre._names import printable
from skgenre.inspection._plotting import AS_IT_IS

N_COLUMNS = 3
HTML = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>
body { font: 15px/1.5 sans-serif; max-width: 1200px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { padding: 3px 9px; border-bottom: 1px solid #ddd; text-align: left }
th { border-bottom: 2px solid #888; vertical-align: bottom }
img { max-width: 100% }
code { background: #f3f3f3 }
</style>
</head>
<body>
$body
</body>
</html>
""")
TABLE_TEXT = """\
The accuracy of each pipeline: what the report prints; ours when songs are divided at random, as it
divided them; ours when songs are cut in ten and the *segments* divided at random, which is invalid
and stands here to show what it adds; and ours where no artist is both in training and test. In
brackets the 95 % interval over artists. `stratified` divides songs at random in folds, and
`filtered`, where it is there, is GTZAN's fault-filtered split, from its train list to its valid
list.

Not all of the fall from segments to artists is leakage: segments are a tenth as long as songs and
ten times as many, which is less to judge by, and ten times the steps for a net in an epoch."""
SONGS_TEXT = """\
How many songs each protocol tests, in the folds that were computed. Those of a genre that had no
song to train on are in brackets: nobody can be right there."""
SCORES_TEXT = """\
Under each protocol, from the most accurate. `on both sides` is the worst that training and test
have in common. Accuracy is a mean over songs; the scores after it are means over folds, under
`leaky-segments` of segments. Macro-F1 is over genres that are tested or answered, the calibration
error that of confidence in 15 bins. The verdict is that of a permutation test over artists against
the reference that it names, `linear` if it is there, corrected by Holm's method."""
TRAINING_TEXT = """\
Each net in the first fold of `report`: the songs that it trains on, and those that it holds out to
choose the best epoch. These are of other artists, about a tenth of the songs, and fewer where
genres have few artists: a handful, whose accuracy leaps, and is lower than that of the test songs,
whose artists it knows."""
CONFUSION_TEXT = "Songs by genre with artists apart. Down the true genre, across the answer."
RELIABILITY_TEXT = """\
The most accurate pipelines with artists apart. The calibration error is that of all songs at once,
as a rule less than the mean over folds above."""
TIME_TEXT = """\
Under `report`, features of files from the cache where an earlier fold left them there. Folds that
are computed at a time slow each other down."""
OWN_TEXT = """\
An accuracy is a number of right answers divided by a number of songs, and not every figure can be
one. The nearest to each of the report's, which lost 55 of the 1000 songs and tested a fifth of the
others, or of their segments. Of all figures of two decimals 2 % are shares of 189 or 200 songs and
19 % of 1890 segments, so that a fit there says less."""
INTERVAL_TEXT = """\
If songs were independent, which those of an artist are not. Wilson's interval of 95 %."""


@dataclass
class Songs:
    """The songs that pipelines are judged on.

    Attributes
    ----------
    X, y, groups : sequence
        As `compare_classifiers` takes them.
    is_invented : bool
        Whether they are no music.
    n_unknown_artists : int
        How many are a group of their own since nobody knows the artist.
    faults : DataFrame or None
        As `find_faults` returns it, also of the songs that could not be read and are left out.
    max_accuracy : float or None
        What wrong labels leave possible.
    """

    X: Any
    y: np.ndarray
    groups: np.ndarray
    is_invented: bool = True
    n_unknown_artists: int = 0
    faults: Any = None
    max_accuracy: float | None = None


def write_page(folder, results, summary, songs, settings):
    """Write pictures, Markdown and HTML.

    Parameters
    ----------
    folder : Path
        Where to.
    results, summary : DataFrame
        As `compare_classifiers` and `summarize` return them.
    songs : Songs
        What was judged on.
    settings : list of str
        Sentences on how the run was made smaller.
    """
    of_what = "invented songs" if songs.is_invented else f"{len(songs.y)} clips of GTZAN"
    title = f"The report of 2022, and honestly ({of_what})"
    answers = _answers(results)
    remarks = [*describe_songs(songs), *settings, *describe_run(results, songs)]
    main_table = make_main_table(summary, songs.is_invented)
    comparison = ComparisonDisplay.from_summary(summary).figure_
    sections = [
        ("Accuracy", TABLE_TEXT, [main_table, comparison]),
        ("Songs tested", SONGS_TEXT, [make_song_table(results, songs)]),
        ("Every score", SCORES_TEXT, [make_score_table(summary)]),
        ("Learning curves", TRAINING_TEXT, [_draw_training(results)]),
        ("Confusion matrices", CONFUSION_TEXT, [_draw_confusion(answers, songs)]),
        ("Confidence", RELIABILITY_TEXT, [_draw_reliability(answers, summary)]),
        ("Time", TIME_TEXT, [make_time_table(results)]),
        ("Remarks", "", ["\n".join(f"- {remark}" for remark in remarks)]),
        ("The report's own figures", OWN_TEXT, [make_own_table()]),
        ("How wide an interval is", INTERVAL_TEXT, [make_interval_table(summary)]),
    ]
    parts = [f"# {title}"]
    for heading, text, contents in sections:
        shown = [content for content in contents if content is not None]
        if shown:
            parts += [f"## {heading} ({of_what})", *filter(None, [text])]
            parts += [_to_markdown(content, heading, folder) for content in shown]
    text = "\n\n".join(parts) + "\n"
    Path(folder, "report.md").write_text(text, encoding="utf-8")
    body = MarkdownIt("commonmark").enable("table").render(text)
    body = re.sub(r'(?<=src=")[^"]+', lambda found: _embed(folder / found[0]), body)
    page = HTML.substitute(title=title, body=body)
    Path(folder, "report.html").write_text(page, encoding="utf-8")


def _to_markdown(content, heading, folder):
    """Return text as it is, a table, or a link to a picture in the folder."""
    if isinstance(content, pd.DataFrame):
        return content.to_markdown(index=False, disable_numparse=True)
    if isinstance(content, Figure):
        picture = f"{heading.lower().replace(' ', '-')}.png"
        content.savefig(folder / picture, dpi=80)
        plt.close(content)
        return f"![{heading}]({picture})"
    return content


def _embed(picture):
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def _draw_training(results):
    """Draw the histories of nets, two in a row."""
    first = results[(results["protocol"] == "report") & (results["fold"] == 0)]
    nets = first.dropna(subset="history").drop_duplicates("estimator")
    if nets.empty:
        return None
    n_rows = -(-len(nets) // 2)
    figure, axes = plt.subplots(
        n_rows, 4, figsize=(16, 3 * n_rows), layout="constrained", squeeze=False
    )
    pairs = axes.reshape(-1, 2)
    for ax in pairs[len(nets) :].flat:
        ax.remove()
    for (_, net), panels in zip(nets.iterrows(), pairs, strict=False):
        TrainingHistoryDisplay(net["history"]).plot(panels)
        for ax in panels:
            ax.set_title(printable(net["estimator"]), **AS_IT_IS)
    return figure


def _draw_confusion(answers, songs):
    if not answers:
        return None
    n_rows = -(-len(answers) // N_COLUMNS)
    figure, axes = plt.subplots(
        n_rows, N_COLUMNS, figsize=(4 * N_COLUMNS, 4 * n_rows), layout="constrained", squeeze=False
    )
    for ax in axes.flat[len(answers) :]:
        ax.remove()
    for (name, table), ax in zip(answers.items(), axes.flat, strict=False):
        ConfusionMatrixDisplay.from_predictions(
            table["genre"],
            table["predicted"],
            ax=ax,
            labels=sorted(set(songs.y)),
            xticks_rotation="vertical",
            cmap="Blues",
            colorbar=False,
        )
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            text.set(text=printable(text.get_text()), **AS_IT_IS)
        ax.set(xlabel="", ylabel="")
        ax.set_title(printable(name), **AS_IT_IS)
    return figure


def _draw_reliability(answers, summary):
    """Draw the best pipelines of those with probabilities."""
    of_artists = summary[(summary["protocol"] == "artist") & summary["log_loss"].notna()]
    best = of_artists["estimator"].head(N_COLUMNS)
    if best.empty:
        return None
    figure, axes = plt.subplots(
        1, len(best), figsize=(5 * len(best), 5), layout="constrained", squeeze=False
    )
    for name, ax in zip(best, axes.flat, strict=True):
        table = answers[name]
        proba = table.drop(columns=["genre", "predicted", "group"])
        ReliabilityDisplay.from_predictions(table["genre"], proba, labels=proba.columns, ax=ax)
        ax.set_title(printable(name), **AS_IT_IS)
    return figure


def _answers(results):
    """Return the answers with artists apart by pipeline."""
    of_artists = results[(results["protocol"] == "artist") & results["error"].isna()]
    return {
        name: pd.concat([*folds["answers"]])
        for name, folds in of_artists.groupby("estimator", sort=False)
    }
