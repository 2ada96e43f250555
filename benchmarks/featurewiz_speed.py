"""Speed of FeatureWizSelector against featurewiz called by hand.

    python benchmarks/featurewiz_speed.py [--songs 1000] [--features 500] [--rounds 3] [--n-jobs 2]

The rival is featurewiz's own `FeatureWiz.fit_transform` on a frame, silenced, with as many threads
as it takes by itself (all), and once more with one. All select in turns from one invented table
of ten genres, in which a fifth of the columns are mixtures of others. No time holds the import.
"""

import argparse
import contextlib
import io

import pandas as pd
from _machine import describe_machine
from _timing import median_seconds
from sklearn.datasets import make_classification
from threadpoolctl import threadpool_limits

from skgenre import FeatureWizSelector

N_GENRES, CORR_LIMIT = 10, 0.7


def make_table(n_songs, n_features):
    return make_classification(
        n_songs,
        n_features,
        n_informative=n_features // 5,
        n_redundant=n_features // 5,
        n_classes=N_GENRES,
        n_clusters_per_class=1,
        random_state=0,
    )


def import_silently():
    with contextlib.redirect_stdout(io.StringIO()):
        import featurewiz
    return featurewiz


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=1000)
    parser.add_argument("--features", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()

    X, y = make_table(args.songs, args.features)
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    target = pd.Series(y, name="target")
    FeatureWizSelector().fit(X[:100, :3], y[:100])
    featurewiz = import_silently()
    selected: dict = {}

    def ours(_):
        selector = FeatureWizSelector(corr_limit=CORR_LIMIT, n_jobs=args.n_jobs).fit(X, y)
        selected["ours"] = frame.columns[selector.order_].tolist()

    def by_hand(_):
        with contextlib.redirect_stdout(io.StringIO()):
            wizard = featurewiz.FeatureWiz(corr_limit=CORR_LIMIT)
            wizard.fit_transform(frame, target)
        selected["by hand"] = wizard.features

    def by_hand_in_one_thread(_):
        with threadpool_limits(1):
            by_hand(_)

    print(describe_machine("featurewiz", "pandas"))
    contenders = {"ours": ours, "by hand": by_hand, "by hand, one thread": by_hand_in_one_thread}
    seconds = median_seconds(contenders, [None], args.rounds)
    print(f"{args.songs} songs x {args.features} features, n_jobs={args.n_jobs}")
    for name, median in seconds.items():
        print(f"{name:20} {median:7.1f} s; ours takes {seconds['ours'] / median:.3f} of it")
    same = selected["ours"] == selected["by hand"]
    print(f"{len(selected['ours'])} features, {'the same' if same else 'NOT the same'} by hand")


if __name__ == "__main__":
    main()
