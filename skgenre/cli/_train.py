"""`skgenre train`: a model file from a folder or table of songs."""

import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .._names import printable
from ._genre_map import MapFile, read_genre_map
from ._outputs import check_output, keep_inputs
from ._predict import Jobs
from ._progress import Quiet
from ._sources import (
    ArtistFrom,
    ArtistOption,
    Duration,
    GenreOption,
    Seed,
    Source,
    check_recipe,
    choose_protocols,
    explain_too_few,
    keep_readable,
    read_songs,
)
from ._words import count, file_size

NAME = "train"
EXAMPLE = "skgenre train my-genres --output my-genres.onnx"
# With fewer artists or songs of a genre, its score says little.
_FEW = 5
_N_NAMED = 5
# The rate of the pretrained nets, so that the file takes waveform.
_RATES = dict.fromkeys(["best", "musicnn", "musicnn-both", "cnn-musicnn", "large"], 16000)


def run(
    source: Source,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", callback=check_output, help="The model file to write."),
    ],
    recipe: Annotated[
        str, typer.Option(help="The recipe to train; skgenre recipes lists them.")
    ] = "best",
    genre_from: GenreOption = None,
    artist_from: ArtistOption = ArtistFrom.TAG,
    map_file: MapFile = None,
    duration: Duration = 30.0,
    evaluate: Annotated[
        bool, typer.Option(help="Measure the accuracy on artists that are not in the training set.")
    ] = True,
    seed: Seed = 0,
    jobs: Jobs = -1,
    quiet: Quiet = False,
):
    """Train a classifier on your songs, measure its accuracy, and write a model file.

    The status is 1 if some files could not be read.
    """
    from ..persistence import export_model
    from ..persistence._export import import_builder
    from ..recipes import make_genre_classifier

    import_builder()
    check_recipe(recipe)
    songs = read_songs(source, genre_from, artist_from, read_genre_map(map_file))
    keep_inputs(output, [source, map_file, *songs.paths])
    _check_genres(songs.target_names)
    with tempfile.TemporaryDirectory() as cache:
        clf = make_genre_classifier(
            recipe,
            sr=_RATES.get(recipe, 22050),
            duration=duration,
            random_state=seed,
            n_jobs=jobs,
            cache=cache,
        )
        is_shown = not quiet and sys.stderr.isatty()
        if is_shown:
            clf.set_params(**{name: 1 for name in clf.get_params() if name.endswith("__verbose")})
        fitted, songs, failures = keep_readable(songs, lambda kept: _fit(clf, kept))
        _tell_songs(songs, failures)
        card = {}
        if evaluate:
            card = _judge(recipe, clf, songs, verbose=int(is_shown))
        else:
            typer.echo("Accuracy not measured, because of --no-evaluate.")
        n_artists = None if songs.groups is None else len(np.unique(songs.groups))
        card["learned_from"] = {"n_songs": len(songs.paths), "n_artists": n_artists}
        export_model(fitted, output, card=card)
    typer.echo(
        f"Written: {printable(output)} ({file_size(output.stat().st_size)}). Next:\n"
        f"  skgenre predict --model {printable(output)} PATH"
    )
    raise typer.Exit(1 if failures else 0)


def _check_genres(genres):
    for genre in genres:
        # what a model file takes
        if printable(genre).replace(r"\x20", " ") != genre:
            raise ValueError(
                f"The genre {printable(genre)} has invisible characters. Give it another name"
            )


def _fit(clf, songs):
    from sklearn.base import clone

    from .._fit_parameters import fit_parameter_name

    name = fit_parameter_name(clf, "groups")
    groups = {name: songs.groups} if name and songs.groups is not None else {}
    return clone(clf).fit(songs.paths, songs.target, **groups)


def _tell_songs(songs, failures):
    genres, counts = np.unique(songs.target, return_counts=True)
    units, unit = songs.groups, "artists"
    if units is None:
        units, unit = songs.paths, "songs"
    by = f" by {count(len(np.unique(units)), 'artist')}" if unit == "artists" else ""
    typer.echo(f"{len(songs.paths)} songs of {len(genres)} genres{by}:")
    n_units = [len(np.unique(units[songs.target == genre])) for genre in genres]
    for genre, n_songs, n in zip(genres, counts, n_units, strict=True):
        of_artists = f", {count(n, 'artist')}" if unit == "artists" else ""
        typer.echo(f"  {printable(genre)}: {count(n_songs, 'song')}{of_artists}")
    few = [printable(genre) for genre, n in zip(genres, n_units, strict=True) if n < _FEW]
    if few:
        typer.echo(f"Fewer than {_FEW} {unit} of {', '.join(few)}: too few to learn much.")
    if failures:
        typer.echo("Files that could not be read:")
        for path, reason in list(failures.items())[:_N_NAMED]:
            typer.echo(f"  {printable(path)}: {printable(reason)}")
        if len(failures) > _N_NAMED:
            typer.echo(f"  and {len(failures) - _N_NAMED} more; skgenre check lists all")


def _judge(recipe, clf, songs, *, verbose):
    """Cross-validate, say in words what came out, and return it as a card."""
    from ..model_selection import compare_classifiers, summarize

    if why := explain_too_few(songs):
        typer.echo(f"Accuracy not measured: {why}.")
        return {}
    try:
        results = compare_classifiers(
            {recipe: clf},
            songs.paths,
            songs.target,
            groups=songs.groups,
            protocols=choose_protocols(songs),
            verbose=verbose,
        )
    except ValueError as error:
        typer.echo(f"Accuracy not measured: {error}")
        return {}
    row = summarize(results).iloc[0].to_dict()
    _tell_score(row, songs, results)
    return row


def _tell_score(row, songs, results):
    import pandas as pd

    genres, counts = np.unique(songs.target, return_counts=True)
    whom = (
        "by artists not in the training set"
        if songs.groups is not None
        else "not in the training set"
    )
    typer.echo(
        f"Correct for {row['accuracy']:.0%} of songs {whom} (95% interval {row['low']:.0%} to "
        f"{row['high']:.0%}; always answering {printable(genres[counts.argmax()])} would be "
        f"correct for {counts.max() / counts.sum():.0%})."
    )
    if songs.groups is None:
        typer.echo(
            "The artists are unknown, so songs by one artist were in both training and test: "
            "expect less for new artists. Name them with --artist-from folder, or in the column "
            "artist of a CSV file."
        )
    answers = pd.concat(results["answers"].tolist())
    is_right = answers["predicted"] == answers["genre"]
    recalls = is_right.groupby(answers["genre"].to_numpy()).mean().sort_values()
    worst = recalls.index[0]
    of_worst = answers[(answers["genre"] == worst) & ~is_right]["predicted"]
    if len(of_worst):
        more = "songs" if songs.groups is None else "artists"
        typer.echo(
            f"Weakest: {printable(worst)}, correct for {recalls.iloc[0]:.0%}, most often confused "
            f"with {printable(of_worst.mode()[0])}. More {more} of it would help most."
        )
