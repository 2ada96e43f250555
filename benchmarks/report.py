"""The table of the report of 2022, once as it was measured there and once honestly.

    python benchmarks/report.py --out <folder> [--data <folder of GTZAN>] [--duration 15]
                                [--names lda ...] [--epochs 10] [--learning-rate 1e-3] [--folds 2]
                                [--seeds 1] [--checkpoint <folder or name>]

Every named pipeline that needs paths alone, under every protocol of `compare_classifiers`; those
with Wav2Vec2 if there is a checkpoint, else the unified model does without it. Without a folder,
invented songs take the place of GTZAN.

Writes into the folder: `report.html`, one page that holds all; the same as `report.md`, with its
pictures; `results.csv`, a row for each fold; `summary.csv`, a row for each pipeline and protocol.
What was computed is kept in `folds`, and features in `features`: a run that was stopped goes on,
and one with more folds or names computes what is new.

The defaults are for a few hundred clips: their first 15 s, ten epochs, at a rate that suits so few,
and two folds of the protocols that have five or ten. For the whole of GTZAN, as the report trained
on it: --duration 30 --epochs 50 --learning-rate 1e-4 --folds 10.
"""

import argparse
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from _report_page import Songs, write_page

from skgenre import compare_classifiers, make_genre_classifier, summarize
from skgenre.audio import find_faults
from skgenre.datasets import load_gtzan, make_genre_clips
from skgenre.recipes import RECIPES

# `best` is another name of one of them, and `metadata` needs titles.
NAMES = [name for name in RECIPES if name not in ("best", "metadata")]
N_SEGMENTS = 10
CLIP_SECONDS = 30.0
VALIDATION_FRACTION = 0.1
SR = 22050


def invent(args):
    """Write songs as files, whose features can be kept."""
    X, y, groups = make_genre_clips(
        args.songs,
        duration=args.duration,
        n_artists_per_genre=max(2, args.songs // 30),
        random_state=0,
        return_groups=True,
        n_jobs=2,
    )
    folder = args.out / "songs" / f"{args.songs} of {args.duration:g} s"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{genre}.{i:05}.wav" for i, genre in enumerate(y)]
    for path, waveform in zip(paths, X, strict=True):
        if not path.exists():
            sf.write(path, waveform, SR)
    return Songs([str(path) for path in paths], y, groups)


def load(folder):
    data = load_gtzan(folder)
    faults = find_faults(data.paths, n_jobs=2, verbose=1)
    unreadable = faults.loc[faults["fault"] == "unreadable", "path"]
    is_readable = ~np.isin(data.paths, unreadable)
    return Songs(
        data.paths[is_readable],
        data.target[is_readable],
        data.groups[is_readable],
        is_invented=False,
        n_unknown_artists=sum(artist is None for artist in data.artist[is_readable]),
        faults=faults,
        max_accuracy=data.max_accuracy,
    )


def make_classifiers(names, *, duration, cache, args):
    """Return pipelines by name, which cut clips of any duration in segments as long as usual."""
    settings = {"epochs": args.epochs, "validation_fraction": VALIDATION_FRACTION}
    if args.checkpoint:
        settings["checkpoint"] = args.checkpoint
    classifiers = {}
    for name in names:
        usual = RECIPES[name].n_segments
        n_segments = None if usual is None else max(1, round(duration * usual / CLIP_SECONDS))
        clf = make_genre_classifier(name, duration=duration, n_segments=n_segments, cache=cache)
        if args.checkpoint is None and name.startswith("unified"):
            clf.set_params(unified__wav2vec="drop")
        of_name = dict(settings)
        if name.startswith(("ann", "cnn", "unified")):
            of_name["learning_rate"] = args.learning_rate
        wanted = {param: param.split("__")[-1] for param in clf.get_params()}
        clf.set_params(
            **{param: of_name[last] for param, last in wanted.items() if last in of_name}
        )
        classifiers[name] = clf
    return classifiers


def compare(args, songs, names):
    """Return the results of every protocol, also of songs cut in segments, which are shorter."""
    common = {
        "groups": songs.groups,
        "seeds": range(args.seeds),
        "max_folds": args.folds,
        "n_jobs": args.jobs,
        "results": args.out / "folds",
        "verbose": 1,
    }
    out = args.out.resolve()
    # segments are temporary files, whose features are of no use to another run
    cache, cache_of_segments = out / "features", out / "features-of-segments"
    whole = make_classifiers(names, duration=args.duration, cache=cache, args=args)
    of_segments = make_classifiers(
        names, duration=args.duration / N_SEGMENTS, cache=cache_of_segments, args=args
    )
    protocols = ["report", "stratified", "artist"]
    if not songs.is_invented:
        protocols.append("filtered")
    honest = compare_classifiers(whole, songs.X, songs.y, protocols=protocols, **common)
    leaky = compare_classifiers(
        of_segments, songs.X, songs.y, protocols=["leaky-segments"], **common
    )
    shutil.rmtree(cache_of_segments, ignore_errors=True)
    return pd.concat([honest, leaky], ignore_index=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--data", help="folder of GTZAN; invented songs if left out")
    parser.add_argument("--songs", type=int, default=150, help="how many songs to invent")
    parser.add_argument(
        "--duration", type=float, help="seconds of each clip: 15 at most, or 10 if invented"
    )
    parser.add_argument("--names", nargs="+", choices=NAMES, help="pipelines; all if left out")
    parser.add_argument("--checkpoint", help="folder or name of a Wav2Vec2 model")
    parser.add_argument("--epochs", type=int, default=10, help="of every net")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="of the report's nets")
    parser.add_argument("--folds", type=int, default=2, help="how many of each protocol, at most")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="folds at a time")
    args = parser.parse_args()
    names = args.names or [
        name for name in NAMES if args.checkpoint or not name.startswith("wav2vec")
    ]
    if not args.checkpoint and any(name.startswith("wav2vec") for name in names):
        parser.error("a pipeline of Wav2Vec2 needs a --checkpoint")
    if args.data:
        songs = load(args.data)
        longest = max(sf.info(path).duration for path in songs.X)
        args.duration = args.duration or min(15.0, round(longest, 1))
    else:
        args.duration = args.duration or 10.0
        songs = invent(args)
    results = compare(args, songs, names)
    summary = summarize(
        results,
        reference="linear" if "linear" in names else None,
        max_accuracy=songs.max_accuracy,
    )
    results.drop(columns=["answers", "history"]).to_csv(args.out / "results.csv", index=False)
    summary.to_csv(args.out / "summary.csv", index=False)
    limits = (
        f"Nets are trained for {args.epochs} epochs, the report's at a learning rate of "
        f"{args.learning_rate:g} (it has 1e-4), and hold {VALIDATION_FRACTION:.0%} of the "
        f"training songs out to choose the best epoch. {args.folds} folds of each protocol at "
        f"most, for each of {args.seeds} seeds. The first {args.duration:g} s of each clip."
    )
    if not args.checkpoint:
        limits += (
            " No Wav2Vec2 model was given: `unified` does without, and its own rows are missing."
        )
    write_page(args.out, results, summary, songs, limits)
    print(args.out / "report.html")


if __name__ == "__main__":
    main()
