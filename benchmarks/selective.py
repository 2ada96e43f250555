"""Whether `SelectiveClassifier` keeps its promise to artists that it has not heard.

    python benchmarks/selective.py [--data <folder of GTZAN>] [--names best lda] [--seeds 10]
                                   [--targets .8 .9] [--cache <folder>] [--picture confidence.png]

Five folds by artist, with other folds for each seed, on the songs of the train and valid lists of
the fault-filtered split; the test list stays untouched. Temperature and threshold are learned from
the training part of a fold alone. Without a folder, invented songs take the place of GTZAN.

For each name and target: the share of answers that were right and of songs that were answered, of
all songs of a seed; the mean over seeds, and the least and the largest precision; how many seeds
kept the target; and how many fits could not promise it. The picture is of the first name, the first
seed and the last target: of songs held out in the first of three folds, and of its test songs.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from _machine import describe_machine
from models import load
from sklearn.model_selection import StratifiedGroupKFold

from skgenre import PrecisionCoverageDisplay, SelectiveClassifier, make_genre_classifier
from skgenre.ensemble._precision import find_threshold
from skgenre.inspection._plotting import import_pyplot


def answer(clf, X, y, groups, seed, targets):
    """Return for each song and target whether it is answered, for each song whether rightly."""
    is_right, is_answered = np.empty(len(y), dtype=bool), np.empty((len(targets), len(y)), bool)
    thresholds = []
    for train, test in StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(X, y, groups):
        proba = clf.fit(X[train], y[train], groups=groups[train]).predict_proba(X[test])
        is_right[test] = clf.classes_[proba.argmax(axis=1)] == y[test]
        thresholds.append([find_threshold(clf.precision_curve_, target) for target in targets])
        is_answered[:, test] = proba.max(axis=1) >= np.array(thresholds[-1])[:, np.newaxis]
    return is_right, is_answered, np.isinf(thresholds).sum(axis=0)


def measure(clf, X, y, groups, n_seeds, targets):
    """Return a row of the table for each target."""
    answers = [answer(clf, X, y, groups, seed, targets) for seed in range(n_seeds)]
    for i, target in enumerate(targets):
        precisions = pd.Series(
            is_right[is_answered[i]].mean() if is_answered[i].any() else np.nan
            for is_right, is_answered, _ in answers
        )
        yield {
            "target": target,
            "precision": precisions.mean(),
            "least": precisions.min(),
            "largest": precisions.max(),
            "coverage": np.mean([is_answered[i].mean() for _, is_answered, _ in answers]),
            "kept": f"{(precisions >= target).sum()} of {n_seeds}",
            "not promised": f"{sum(n_silent[i] for *_, n_silent in answers)} of {5 * n_seeds}",
        }


def draw(clf, X, y, groups, path):
    train, test = next(StratifiedGroupKFold(3, shuffle=True, random_state=0).split(X, y, groups))
    clf.fit(X[train], y[train], groups=groups[train])
    figure, axes = import_pyplot().subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    PrecisionCoverageDisplay.from_estimator(clf, name=f"{len(train)} songs held out", ax=axes[0])
    other = f"{len(test)} other songs"
    PrecisionCoverageDisplay.from_estimator(clf, X[test], y[test], name=other, ax=axes[1])
    figure.savefig(path, dpi=80)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of GTZAN; invented songs if left out")
    parser.add_argument("--names", nargs="+", default=["best", "lda"])
    parser.add_argument("--targets", nargs="+", type=float, default=[0.8, 0.9])
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--cache", help="folder to keep features in")
    parser.add_argument("--picture", help="file for the picture")
    args = parser.parse_args()

    # it is counted
    warnings.filterwarnings("ignore", "target_precision=.* cannot be promised")
    # from discriminants, where a fold leaves a genre one song
    warnings.filterwarnings("ignore", "Only one sample available")
    print(describe_machine("scikit-learn"))
    songs, y, groups, _ = load(args.data, args.duration)
    print(f"{len(y)} songs of {len(set(groups))} artists")
    rows = []
    for name in args.names:
        clf = make_genre_classifier(
            name, duration=args.duration, random_state=0, n_jobs=2, cache=args.cache
        )
        # what songs are heard as depends on no other song
        X = clf[0].fit_transform(songs)
        selective = SelectiveClassifier(clf[1:], target_precision=args.targets[-1])
        for row in measure(selective, X, y, groups, args.seeds, args.targets):
            rows.append({"name": name, **row})
        if args.picture and name == args.names[0]:
            draw(selective, X, y, groups, args.picture)
    print(pd.DataFrame(rows).set_index(["name", "target"]).round(3).to_string())


if __name__ == "__main__":
    main()
