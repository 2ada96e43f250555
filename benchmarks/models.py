"""Accuracy of every named pipeline, with artists kept apart.

    python benchmarks/models.py [--data <folder of GTZAN>] [--split lists] [--names lda svm ...]
                                [--duration 3] [--seeds 3] [--share 1] [--out models.csv]

The split `lists` trains on the train list of the fault-filtered split and tests on the valid list;
`artists` cross-validates by artist, with other folds for each seed, on the songs of both, and pools
the answers. The test list stays untouched. `--share` trains on that share of the artists of each
training part, for a learning curve. Without a folder, invented songs take the place of
GTZAN, and `lists` is a third of the artists against the others.

Beside each accuracy, the mean over seeds, stands its difference from that of `linear`, with a 95 %
interval: a bootstrap over artists of the songs' answers.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from _machine import describe_machine
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold

from skgenre import make_genre_classifier
from skgenre.datasets import load_gtzan, make_genre_clips
from skgenre.recipes import RECIPES

# What needs paths alone, and neither titles nor a checkpoint.
NAMES = [
    name for name in RECIPES if not name.startswith(("best", "metadata", "unified", "wav2vec"))
]
N_SONGS, N_ARTISTS_PER_GENRE, N_FOLDS = 300, 9, 5


def load(folder, duration):
    """Return songs, genres, artists, and whether each song is of the list to train on."""
    if folder:
        data = load_gtzan(folder)
        used = np.isin(data.filtered_split, ["train", "valid"])
        is_train = data.filtered_split[used] == "train"
        return data.paths[used], data.target[used], data.groups[used], is_train
    X, y, groups = make_genre_clips(
        N_SONGS,
        duration=duration,
        n_artists_per_genre=N_ARTISTS_PER_GENRE,
        random_state=0,
        return_groups=True,
        n_jobs=2,
    )
    train, _ = next(StratifiedGroupKFold(3).split(X, y, groups))
    return X, y, groups, np.isin(np.arange(len(y)), train)


def make_folds(split, y, groups, is_train, seed, share):
    if split == "lists":
        folds = [(np.flatnonzero(is_train), np.flatnonzero(~is_train))]
    else:
        splitter = StratifiedGroupKFold(N_FOLDS, shuffle=True, random_state=seed)
        folds = splitter.split(y, y, groups)
    rng = np.random.RandomState(seed)
    return [(train[take_artists(groups[train], share, rng)], test) for train, test in folds]


def take_artists(artists, share, rng):
    """Return whether each song is of one of a share of the artists, drawn at random."""
    names = np.unique(artists)
    return np.isin(artists, rng.permutation(names)[: round(share * len(names))])


def run(name, songs, folds, settings):
    """Return the row of a pipeline, fitted and asked in each fold, and its mistakes by song."""
    X, y, groups, _ = songs
    predicted = np.empty_like(y)
    seconds = {"fit (s)": 0.0, "predict (s)": 0.0}
    for train, test in folds:
        clf = make_genre_classifier(name, **settings)
        fit_params = {"stack__groups": groups[train]} if name == "stack" else {}
        start = time.perf_counter()
        clf.fit(X[train], y[train], **fit_params)
        fitted = time.perf_counter()
        predicted[test] = clf.predict(X[test])
        seconds["fit (s)"] += fitted - start
        seconds["predict (s)"] += time.perf_counter() - fitted
    tested = np.concatenate([test for _, test in folds])
    net = getattr(clf[-1], "model_", None)
    row = {
        "pipeline": name,
        "seed": settings["random_state"],
        "accuracy": accuracy_score(y[tested], predicted[tested]),
        "macro-F1": f1_score(y[tested], predicted[tested], average="macro"),
        **seconds,
        "parameters": np.nan if net is None else net.count_params(),
    }
    return row, pd.Series(predicted[tested] == y[tested], index=tested, dtype=float)


def compare(is_right, baseline, groups):
    """Return the difference of two means over songs, and its interval, in words."""
    gain = pd.DataFrame({"gain": is_right - baseline, "artist": groups[is_right.index]})
    by_artist = gain.groupby("artist")["gain"].agg(["sum", "size"])

    def mean_gain(sums, sizes, axis=-1):
        return sums.sum(axis=axis) / sizes.sum(axis=axis)

    low, high = bootstrap(
        (by_artist["sum"], by_artist["size"]),
        mean_gain,
        paired=True,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    return f"{gain['gain'].mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of GTZAN; invented songs if left out")
    parser.add_argument("--split", default="lists", choices=["lists", "artists"])
    parser.add_argument("--names", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the artists to train on")
    parser.add_argument("--cache", help="folder to keep features in")
    parser.add_argument("--out", help="CSV file for the rows")
    args = parser.parse_args()

    # from discriminants, where a share of the artists leaves a genre one song
    warnings.filterwarnings("ignore", "Only one sample available")
    print(describe_machine("scikit-learn", "keras", "tensorflow"))
    songs = load(args.data, args.duration)
    _, y, groups, is_train = songs
    print(
        f"{len(y)} songs of {len(set(groups))} artists, {is_train.sum()} of them in the train list"
    )
    rows = []
    is_right: dict = {name: [] for name in args.names}
    for seed in range(args.seeds):
        folds = make_folds(args.split, y, groups, is_train, seed, args.share)
        for name in args.names:
            settings = {"random_state": seed, "n_jobs": 2, "cache": args.cache}
            if RECIPES[name].n_segments in (None, 1):
                settings["duration"] = args.duration
            row, of_songs = run(name, songs, folds, settings)
            rows.append(row)
            is_right[name].append(of_songs)
            if args.out:
                pd.DataFrame(rows).to_csv(args.out, index=False)
    by_pipeline = pd.DataFrame(rows).groupby("pipeline", sort=False)
    table = by_pipeline[["accuracy", "macro-F1", "fit (s)", "predict (s)", "parameters"]].mean()
    table.insert(1, "spread", by_pipeline["accuracy"].std())
    if "linear" in args.names:
        means = {name: sum(of_seeds) / args.seeds for name, of_seeds in is_right.items()}
        table.insert(
            2,
            "against linear",
            [compare(means[name], means["linear"], groups) for name in table.index],
        )
    print(table.round(3).sort_values("accuracy", ascending=False).to_string())


if __name__ == "__main__":
    main()
