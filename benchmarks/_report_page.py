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
from _machine import describe_machine
from _report_tables import (
    make_interval_table,
    make_main_table,
    make_own_table,
    make_score_table,
    make_time_table,
)
from markdown_it import MarkdownIt
from sklearn.metrics import ConfusionMatrixDisplay

from skgenre import ComparisonDisplay, ReliabilityDisplay, TrainingHistoryDisplay

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
brackets the 95 % interval over artists. `stratified` divides songs at random in ten folds."""
FILTERED_TEXT = "`filtered` is GTZAN's fault-filtered split, from its train list to its valid list."
SCORES_TEXT = """\
Under each protocol, from the most accurate. The calibration error is that of confidence in 15 bins.
`on both sides` is the worst that training and test have in common; the verdict is that of a
permutation test over artists against `linear`, corrected by Holm's method."""
TRAINING_TEXT = """\
Each net in the first fold of `report`, the training songs and those that it holds out of them."""
CONFUSION_TEXT = "Songs by genre with artists apart. Down the true genre, across the answer."
RELIABILITY_TEXT = "The most accurate pipelines with artists apart."
TIME_TEXT = (
    "Under `report`, features of files from the cache where an earlier fold left them there."
)
OWN_TEXT = """\
An accuracy is a number of right answers divided by a number of songs, and not every figure can be
one. The nearest to each of the report's:"""
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
    settings : str
        A sentence on how the run was made smaller.
    """
    of_what = "invented songs" if songs.is_invented else "GTZAN"
    title = f"The report of 2022, and honestly ({of_what})"
    table_text = TABLE_TEXT if songs.is_invented else f"{TABLE_TEXT}\n{FILTERED_TEXT}"
    answers = _answers(results)
    remarks = "\n".join(f"- {remark}" for remark in _remark(results, songs, settings))
    sections = [
        (
            "Accuracy",
            table_text,
            make_main_table(summary, songs.is_invented),
            ComparisonDisplay.from_summary(summary).figure_,
        ),
        ("Every score", SCORES_TEXT, make_score_table(summary), None),
        ("Learning curves", TRAINING_TEXT, None, _draw_training(results)),
        ("Confusion matrices", CONFUSION_TEXT, None, _draw_confusion(answers, songs)),
        ("Confidence", RELIABILITY_TEXT, None, _draw_reliability(answers, summary)),
        ("Time", TIME_TEXT, make_time_table(results), None),
        ("Remarks", remarks, None, None),
        ("The report's own figures", OWN_TEXT, make_own_table(), None),
        ("How wide an interval is", INTERVAL_TEXT, make_interval_table(summary), None),
    ]
    parts = [f"# {title}"]
    for heading, text, table, figure in sections:
        parts += [f"## {heading} ({of_what})", text]
        if table is not None:
            parts.append(table.to_markdown(index=False, disable_numparse=True))
        if figure is not None:
            picture = f"{heading.lower().replace(' ', '-')}.png"
            figure.savefig(folder / picture, dpi=80)
            plt.close(figure)
            parts.append(f"![{heading}]({picture})")
    text = "\n\n".join(parts) + "\n"
    Path(folder, "report.md").write_text(text, encoding="utf-8")
    body = MarkdownIt("commonmark").enable("table").render(text)
    body = re.sub(r'(?<=src=")[^"]+', lambda found: _embed(folder / found[0]), body)
    page = HTML.substitute(title=title, body=body)
    Path(folder, "report.html").write_text(page, encoding="utf-8")


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
            ax.set_title(net["estimator"])
    return figure


def _draw_confusion(answers, songs):
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
        ax.set(title=name, xlabel="", ylabel="")
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
        ReliabilityDisplay.from_predictions(
            table["genre"], proba, labels=proba.columns, name=name, ax=ax
        )
    return figure


def _answers(results):
    """Return the answers with artists apart by pipeline."""
    of_artists = results[(results["protocol"] == "artist") & results["error"].isna()]
    return {
        name: pd.concat([*folds["answers"]])
        for name, folds in of_artists.groupby("estimator", sort=False)
    }


def _remark(results, songs, settings):
    """Return what the reader must know to believe the tables, in sentences."""
    n_artists = len(set(songs.groups))
    remarks = [f"{len(songs.y)} songs of {len(set(songs.y))} genres and {n_artists} artists."]
    if songs.is_invented:
        remarks.append(
            "The songs are invented by `make_genre_clips`: nothing here says how a pipeline does "
            "on music. The report's figures are those on GTZAN."
        )
    else:
        remarks.append(
            f"The artists of {songs.n_unknown_artists} songs are unknown, and each such song is an "
            "artist of its own."
        )
        remarks += _describe_faults(songs.faults)
    remarks += _describe_lonely_genres(results, songs)
    remarks.append(settings)
    remarks.append(
        "The report divided songs at random, so that its test songs are by artists of its training "
        "songs. Its best figure, for ten segments of each song, is a share of its test segments "
        "and not of its test songs: see below."
    )
    if songs.max_accuracy is not None:
        remarks.append(
            f"Wrong labels leave {songs.max_accuracy:.1%} to a perfect classifier, as Sturm "
            "estimates (arXiv:1306.1461); what is above is called suspicious in the picture."
        )
    failed = results.dropna(subset="error").groupby(["protocol", "error"], sort=False)
    for (protocol, error), folds in failed:
        names = ", ".join(f"`{name}`" for name in folds["estimator"].unique())
        remarks.append(f"Failed under `{protocol}`: {names}. {error.splitlines()[0]}")
    remarks.append(describe_machine("scikit-learn", "librosa", "keras", "tensorflow", "torch"))
    return remarks


def _describe_faults(faults):
    unreadable = faults[faults["fault"] == "unreadable"]
    files = ", ".join(Path(path).name for path in unreadable["path"])
    of_each = ", ".join(f"{n} {fault}" for fault, n in faults["fault"].value_counts().items())
    return [
        f"Left out because they are unreadable: {files or 'none'}.",
        f"`find_faults` says of all files, which are kept but for those: {of_each or 'nothing'}.",
    ]


def _describe_lonely_genres(results, songs):
    artists = pd.Series(songs.groups).groupby(songs.y).nunique()
    lonely = ", ".join(artists.index[artists == 1])
    if not lonely:
        return []
    folds = results[(results["protocol"] == "artist") & results["error"].isna()]
    folds = folds.drop_duplicates(["seed", "fold"])
    n_untrained = sum(
        np.isin(answers["genre"], np.delete(songs.y, answers.index), invert=True).sum()
        for answers in folds["answers"]
    )
    return [
        f"All songs of {lonely} are by one artist. With artists apart {n_untrained} of "
        f"{folds['n_test'].sum()} songs are of a genre that had none to train on: nobody can be "
        "right there, and the honest figures are lower than they would be with more artists."
    ]
