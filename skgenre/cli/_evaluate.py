"""`skgenre evaluate`: how good recipes or a model file are on your songs."""

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from ._genre_map import MapFile, read_genre_map
from ._outputs import check_output, keep_inputs
from ._predict import Jobs
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
from ._words import count

NAME = "evaluate"
EXAMPLE = "skgenre evaluate my-genres --recipe best --recipe lda --report page.html"
_SHOWN = ["estimator", "protocol", "leakage", "accuracy", "low", "high", "log_loss", "verdict"]


def run(
    source: Source,
    model: Annotated[str | None, typer.Option(help="A model file to test.")] = None,
    recipe: Annotated[
        list[str] | None,
        typer.Option(help="A recipe to train and test; repeat the option for more."),
    ] = None,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="How to split: artist, stratified, report or leaky-segments; may be repeated."
        ),
    ] = None,
    seen: Annotated[
        bool, typer.Option("--seen", help="The model file was trained on some of these songs.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(callback=check_output, help="Also write an HTML page.")
    ] = None,
    genre_from: GenreOption = None,
    artist_from: ArtistOption = ArtistFrom.TAG,
    map_file: MapFile = None,
    duration: Duration = 30.0,
    seed: Seed = 0,
    jobs: Jobs = -1,
):
    """Compare classifiers on your songs, with no artist in both training and test.

    The status is 1 if some files could not be read.
    """
    from ..model_selection import compare_classifiers, summarize
    from ..persistence import load_model
    from ._app import tell

    if report is not None:
        from ..inspection._plotting import import_pyplot
        from ._page import write_page

        import_pyplot()  # before anything is computed for a page that cannot be drawn
    if bool(model) == bool(recipe):
        raise typer.BadParameter("give either --model or --recipe")
    for name in recipe or []:
        check_recipe(name)
    songs = read_songs(source, genre_from, artist_from, read_genre_map(map_file))
    keep_inputs(report, [source, model, map_file, *songs.paths])
    if not protocol and (why := explain_too_few(songs)):
        raise ValueError(f"They cannot be compared on these songs: {why}")
    protocols = protocol or choose_protocols(songs)
    with tempfile.TemporaryDirectory() as cache:
        if model:
            clf = load_model(model).set_params(n_jobs=jobs, cache=cache)
            songs.target = _name_as_in_file(songs.target, clf)
            contenders = {model: _frozen(clf)}
        else:
            contenders = _make_recipes(recipe, duration, seed, jobs, cache)
        # reads each file once, and keeps its features for the folds
        first = clf if model else next(iter(contenders.values()))
        _, songs, failures = keep_readable(songs, lambda kept: _read(first, kept.paths))
        results = compare_classifiers(
            contenders,
            songs.paths,
            songs.target,
            groups=songs.groups,
            protocols=protocols,
            seeds=[seed],
        )
    summary = summarize(results)
    shown = summary[_SHOWN if len(contenders) > 1 else _SHOWN[:-1]].round(3)
    typer.echo(shown.to_string(index=False))
    _explain(tell, model, seen, songs, summary)
    if model and clf.model.info.abstains is not None:
        _tell_unsure(tell, clf.model.info.abstains.answer, results)
    if report is not None:
        write_page(report, summary, results)
        tell(f"Written: {report}")
    if failures:
        tell(f"{count(len(failures), 'file')} could not be read; skgenre check says which")
    raise typer.Exit(1 if failures else 0)


def _make_recipes(names, duration, seed, jobs, cache):
    from ..recipes import make_genre_classifier

    return {
        name: make_genre_classifier(
            name, duration=duration, random_state=seed, n_jobs=jobs, cache=cache
        )
        for name in names
    }


def _frozen(clf):
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(clf)


def _read(clf, paths):
    return clf.predict_proba(paths) if hasattr(clf, "model") else clf[0].fit_transform(paths)


def _name_as_in_file(genres, clf):
    """Return genres as the model file has them, where they may be numbers."""
    known = {str(genre): genre for genre in clf.classes_}
    unknown = sorted(set(genres) - set(known))
    if unknown:
        raise ValueError(
            f"The model file has the genres {', '.join(known)}, and not {', '.join(unknown)}; "
            "rename these with --map, or leave them out"
        )
    return np.array([known[genre] for genre in genres])


def _explain(tell, model, seen, songs, summary):
    if songs.groups is None and not model:
        tell(
            "The artists are unknown, so songs by one artist may be in both training and test, and "
            "scores are too high."
        )
    leaky = summary.loc[~summary["is_valid"], "protocol"].unique()
    if len(leaky):
        tell(f"Do not quote these scores, because songs leak: {', '.join(leaky)}.")
    if model and seen:
        tell(
            "The model was trained on some of these songs, so its score says nothing about new "
            "ones."
        )
    elif model:
        tell(
            "The file does not say which songs it was trained on. If these were among them, or "
            "others by these artists, the score is too high; use --seen to say so."
        )


def _tell_unsure(tell, answer, results):
    predicted = np.concatenate([answers["predicted"] for answers in results["answers"]])
    n_unsure = np.sum(predicted == answer)
    tell(
        f"The model was not sure of {n_unsure} of {count(len(predicted), 'song')} and answered "
        f"{answer!r}, which counts as wrong here."
    )
