"""What a selection of features does to a linear model, on a table of GTZAN's songs.

    python benchmarks/selection.py --data <gtzan57.csv> [--seeds 5]

The table has a row for each song: `song` (as `blues.00000`), `genre`, and its features. A logistic
regression on all standardised features is compared with the same after `FeatureWizSelector` and
after `SelectKBest`, selected anew in each fold: (i) trained on the train list of the fault-filtered
split and tested on its valid list, (ii) cross-validated by artist, with other folds for each seed,
on the songs of both. `SelectKBest` keeps as many as `FeatureWizSelector` does on the train list.

Each accuracy, the mean over seeds, stands with its 95 % interval and the difference from all
features with its own: a bootstrap over artists of the songs' answers.
"""

import argparse

import pandas as pd
from _machine import describe_machine
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import FeatureWizSelector, GTZANFilteredSplit, compare_classifiers, summarize
from skgenre.datasets._gtzan import read_index
from skgenre.model_selection import artist_groups

COLUMNS = [
    *("estimator", "leakage", "n_songs", "accuracy", "low", "high"),
    *("difference", "difference_low", "difference_high", "p_value", "verdict"),
]


def load(path):
    """Return features by song, genres, and artists, of the train and valid lists."""
    table = pd.read_csv(path, index_col="song")
    index = read_index().loc[table.index]
    used = index["filtered_split"].isin(["train", "valid"]).to_numpy()
    features = table.drop(columns="genre")
    return features[used], table["genre"].to_numpy()[used], artist_groups(index)[used]


def make_model(*selectors):
    return make_pipeline(StandardScaler(), *selectors, LogisticRegression(C=0.1, max_iter=2000))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CSV file of features")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    X, y, groups = load(args.data)
    print(describe_machine("scikit-learn", "featurewiz"))
    print(f"{len(X)} songs of {len(set(groups))} artists with {X.shape[1]} features")
    lists = GTZANFilteredSplit(songs=X.index)
    train, _ = next(lists.split(X))
    selector = FeatureWizSelector(n_jobs=2).fit(X.iloc[train], y[train])
    n_selected = len(selector.order_)
    print(f"{n_selected} selected on the train list: {', '.join(X.columns[selector.order_])}")
    models = {
        "all features": make_model(),
        "FeatureWizSelector": make_model(FeatureWizSelector(n_jobs=2)),
        "SelectKBest": make_model(SelectKBest(k=n_selected)),
    }
    for protocol, splitter, seeds in [("lists", lists, 1), ("artists", "artist", args.seeds)]:
        results = compare_classifiers(
            models, X, y, protocols={protocol: splitter}, groups=groups, seeds=range(seeds)
        )
        table = summarize(results, reference="all features")[COLUMNS]
        print(f"\n{protocol}\n{table.round(3).to_string(index=False)}")


if __name__ == "__main__":
    main()
