"""Everything scikit-learn does with an estimator, done with a CNN on paths of real clips.

    python benchmarks/composition.py --data <folder of GTZAN>

Prints the accuracy that each tool finds. In a folder where whole genres come from one artist, a
fold that keeps artists apart may test a genre that was never trained.
"""

import argparse
import time

from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
    learning_curve,
    permutation_test_score,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import KerasCNNClassifier, MFCCSegmenter, SegmentSummarizer, SpectrogramScaler
from skgenre.datasets import load_gtzan

HALVES = StratifiedKFold(2, shuffle=True, random_state=0)
QUARTERS = StratifiedKFold(4, shuffle=True, random_state=0)
ARTISTS_APART = StratifiedGroupKFold(4, shuffle=True, random_state=0)


def make_cnn(epochs=20):
    return Pipeline(
        [
            ("mfcc", MFCCSegmenter(n_jobs=2)),
            ("scale", SpectrogramScaler()),
            ("cnn", KerasCNNClassifier(epochs=epochs, learning_rate=1e-3, random_state=0)),
        ]
    )


def make_linear():
    return make_pipeline(
        MFCCSegmenter(n_jobs=2),
        SegmentSummarizer(),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )


def fit_defaults(X, y, groups):
    clf = Pipeline(
        [("mfcc", MFCCSegmenter()), ("scale", SpectrogramScaler()), ("cnn", KerasCNNClassifier())]
    )
    return f"accuracy on its own training songs {clf.fit(X, y).score(X, y):.3f}"


def cross_validate(X, y, groups):
    return cross_val_score(make_cnn(), X, y, cv=QUARTERS)


def cross_validate_artists_apart(X, y, groups):
    return cross_val_score(make_cnn(), X, y, groups=groups, cv=ARTISTS_APART)


def search_grid(X, y, groups, n_jobs=None):
    grid = {"mfcc__n_mfcc": [13, 20], "cnn__dropout": [0.3, 0.5]}
    search = GridSearchCV(make_cnn(10), grid, cv=HALVES, n_jobs=n_jobs).fit(X, y)
    return f"{search.best_score_:.3f} with {search.best_params_}"


def search_grid_in_two_workers(X, y, groups):
    return search_grid(X, y, groups, n_jobs=2)


def vote(X, y, groups):
    members = [("cnn", make_cnn(10)), ("linear", make_linear())]
    return cross_val_score(VotingClassifier(members, voting="soft"), X, y, cv=HALVES)


def stack(X, y, groups):
    members = [("cnn", make_cnn(10)), ("linear", make_linear())]
    return cross_val_score(StackingClassifier(members, cv=3), X, y, cv=HALVES)


def calibrate(X, y, groups):
    clf = CalibratedClassifierCV(make_cnn(10), cv=3, ensemble=False)
    return cross_val_score(clf, X, y, cv=HALVES)


def draw_learning_curve(X, y, groups):
    sizes, _, scores = learning_curve(
        make_cnn(10), X, y, cv=HALVES, train_sizes=[0.5, 1.0], shuffle=True, random_state=0
    )
    return dict(zip(sizes.tolist(), scores.mean(axis=1).round(3).tolist(), strict=True))


def permute(X, y, groups):
    score, permuted, p_value = permutation_test_score(
        make_cnn(5), X, y, cv=HALVES, n_permutations=9, random_state=0
    )
    return f"{score:.3f}, with permuted labels {permuted.mean():.3f}, p = {p_value:.2f}"


TOOLS = (
    fit_defaults,
    cross_validate,
    cross_validate_artists_apart,
    search_grid,
    search_grid_in_two_workers,
    vote,
    stack,
    calibrate,
    draw_learning_curve,
    permute,
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of GTZAN")
    data = load_gtzan(parser.parse_args().data)
    print(f"{len(data.paths)} songs, {len(set(data.groups))} artists")
    for tool in TOOLS:
        start = time.perf_counter()
        result = tool(data.paths, data.target, data.groups)
        print(f"{tool.__name__}: {result} ({time.perf_counter() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
