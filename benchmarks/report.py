"""The table of the report of 2022, once as it was measured there and once honestly.

    python -m pip install -e ".[test]"
    python benchmarks/report.py --out <folder> [--data <folder of GTZAN>] [--duration 6]
                                [--names lda ...] [--epochs 8] [--learning-rate 1e-3] [--folds 2]
                                [--seeds 1] [--checkpoint <folder or name>]

Every named pipeline that needs paths alone, under every protocol of `compare_classifiers`; those
with Wav2Vec2 if there is a checkpoint. Without a folder, invented songs take the place of GTZAN.

Writes into the folder: `report.html`, one page that holds all; the same as `report.md`, with its
pictures; `results.csv`, a row for each fold; `summary.csv`, a row for each pipeline and protocol.
What was computed is kept in `folds`, and features in `features`: a run that was stopped goes on,
and one with more folds or names computes what is new.

The defaults are for a few hundred clips: their first 6 s, eight epochs, at a rate that suits so
few, and two of the ten folds of `stratified`; `artist` has all of its five. For the whole of GTZAN,
as the report trained on it: --duration 30 --epochs 50 --learning-rate 1e-4 --folds 10.
"""

import argparse
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from _report_page import Songs, write_page
from _report_remarks import describe_settings
from _report_tables import FIGURES

from skgenre import compare_classifiers, make_genre_classifier, summarize
from skgenre._names import printable
from skgenre.audio import find_faults
from skgenre.datasets import load_gtzan, make_genre_clips
from skgenre.model_selection._protocols import N_SEGMENTS
from skgenre.recipes import RECIPES

# `best` is another name of one of them, and `metadata` needs titles.
NAMES = [name for name in RECIPES if name not in ("best", "metadata")]
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
        n_jobs=args.jobs,
    )
    folder = args.out / "songs" / f"{args.songs} of {args.duration:g} s"
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{genre}.{i:05}.wav" for i, genre in enumerate(y)]
    for path, waveform in zip(paths, X, strict=True):
        if not path.exists():
            aside = path.with_name(f"{os.getpid()}.wav")
            sf.write(aside, waveform, SR)
            aside.replace(path)
    return Songs([str(path) for path in paths], y, groups)


def load(args):
    data = load_gtzan(args.data)
    faults = find_faults(data.paths, n_jobs=args.jobs, verbose=1)
    unreadable = faults.loc[faults["fault"] == "unreadable", "path"]
    is_readable = ~np.isin(data.paths, unreadable)
    if len(set(data.target[is_readable])) < 2:
        raise SystemExit(f"{args.data} holds readable clips of fewer than 2 genres")
    return Songs(
        data.paths[is_readable],
        data.target[is_readable],
        data.groups[is_readable],
        is_invented=False,
        n_unknown_artists=sum(artist is None for artist in data.artist[is_readable]),
        faults=faults,
        max_accuracy=data.max_accuracy,
    )


def make_classifiers(args, *, duration, cache):
    """Return pipelines by name, which cut clips of any duration in segments as long as usual."""
    settings = {"epochs": args.epochs, "validation_fraction": VALIDATION_FRACTION}
    if args.checkpoint:
        settings["checkpoint"] = args.checkpoint
    classifiers = {}
    for name in args.names:
        usual = RECIPES[name].n_segments
        n_segments = None if usual is None else max(1, round(duration * usual / CLIP_SECONDS))
        clf = make_genre_classifier(name, duration=duration, n_segments=n_segments, cache=cache)
        of_name = dict(settings)
        if name == "cnn-musicnn":
            # its layers are frozen, and so its epochs are cheap
            del of_name["epochs"]
        if name.startswith("unified") or (name in FIGURES and name != "wav2vec"):
            of_name["learning_rate"] = args.learning_rate
        wanted = {param: param.split("__")[-1] for param in clf.get_params()}
        clf.set_params(
            **{param: of_name[last] for param, last in wanted.items() if last in of_name}
        )
        classifiers[name] = clf
    return classifiers


def compare(args, songs):
    """Return the pipelines, and the results of every protocol; segments need shorter ones."""
    common = {
        "groups": songs.groups,
        "seeds": range(args.seeds),
        "n_jobs": args.jobs,
        "results": args.out / "folds",
        "verbose": 1,
    }
    out = args.out.resolve()
    # segments are temporary files, whose features are of no use to another run
    cache, cache_of_segments = out / "features", out / "features-of-segments"
    whole = make_classifiers(args, duration=args.duration, cache=cache)
    of_segments = make_classifiers(
        args, duration=args.duration / N_SEGMENTS, cache=cache_of_segments
    )
    artists_apart = ["artist"] if songs.is_invented else ["artist", "filtered"]
    parts = [
        compare_classifiers(
            classifiers, songs.X, songs.y, protocols=protocols, max_folds=max_folds, **common
        )
        for classifiers, protocols, max_folds in [
            (whole, ["report", "stratified"], args.folds),
            (whole, artists_apart, None),
            (of_segments, ["leaky-segments"], None),
        ]
    ]
    shutil.rmtree(cache_of_segments, ignore_errors=True)
    return whole, pd.concat(parts, ignore_index=True)


def above_zero(kind):
    """Return a type of option that is a number above 0."""

    def parse(text):
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return parse


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    count, number = above_zero(int), above_zero(float)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--data", help="folder of GTZAN; invented songs if left out")
    parser.add_argument("--songs", type=count, default=150, help="how many songs to invent")
    parser.add_argument("--duration", type=number, default=6.0, help="seconds of each clip")
    parser.add_argument("--names", nargs="+", choices=NAMES, help="pipelines; all if left out")
    parser.add_argument("--checkpoint", help="folder or name of a Wav2Vec2 model")
    parser.add_argument("--epochs", type=count, default=8, help="of every net")
    parser.add_argument("--learning-rate", type=number, default=1e-3, help="of the report's nets")
    parser.add_argument("--folds", type=count, default=2, help="how many of the ten of stratified")
    parser.add_argument("--seeds", type=count, default=1, help="how many")
    parser.add_argument("--jobs", type=count, default=2, help="folds at a time")
    args = parser.parse_args()
    if args.names is None:
        args.names = [name for name in NAMES if args.checkpoint or not name.startswith("wav2vec")]
    if not args.checkpoint and any(name.startswith("wav2vec") for name in args.names):
        parser.error("a pipeline of Wav2Vec2 needs a --checkpoint")
    if args.songs < 100:
        parser.error("--songs must be 100 or more, for ten folds of ten genres")
    return args


def main():
    args = parse_options()
    if args.data:
        songs = load(args)
        longest = max(sf.info(path).duration for path in songs.X)
        args.duration = min(args.duration, round(longest, 1))
    else:
        songs = invent(args)
    classifiers, results = compare(args, songs)
    summary = summarize(
        results,
        reference="linear" if "linear" in classifiers else None,
        max_accuracy=songs.max_accuracy,
    )
    results.drop(columns=["answers", "history"]).to_csv(args.out / "results.csv", index=False)
    summary.to_csv(args.out / "summary.csv", index=False)
    settings = describe_settings(args, classifiers, N_SEGMENTS)
    write_page(args.out, results, summary, songs, settings)
    print(printable(args.out / "report.html"))


if __name__ == "__main__":
    main()
