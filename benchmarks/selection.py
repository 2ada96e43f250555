"""What a selection of features does to a linear model, on a table of GTZAN's songs.

    python benchmarks/selection.py --data <gtzan57.csv> [--seeds 5]

The table has a row for each song: `song` (as `blues.00000`), `genre`, and its features. A logistic
regression on all standardised features is compared with the same after `FeatureWizSelector` and
after `SelectKBest` with as many features, selected anew in each fold: (i) trained on the train list
of the fault-filtered split and tested on its valid list, (ii) cross-validated by artist, with other
folds for each seed, on the songs of both.

Each accuracy, the mean over seeds, stands with its 95 % interval and the difference from all
features with its own: a bootstrap over artists of the songs' answers.
"""

import argparse

import numpy as np
import pandas as pd
from _machine import describe_machine
from models import compare, make_folds
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import FeatureWizSelector
from skgenre.datasets._gtzan import read_index
from skgenre.model_selection import artist_groups


def load(path):
    """Return features, genres, artists, and whether each song is of the list to train on."""
    table = pd.read_csv(path, index_col="song")
    index = read_index().loc[table.index]
    used = index["filtered_split"].isin(["train", "valid"]).to_numpy()
    groups = artist_groups(index)
    is_train = (index["filtered_split"] == "train").to_numpy()
    features = table.drop(columns="genre")
    return features[used], table["genre"].to_numpy()[used], groups[used], is_train[used]


def make_model(*selectors):
    return make_pipeline(StandardScaler(), *selectors, LogisticRegression(C=0.1, max_iter=2000))


def fit_models(X, y):
    """Return fitted models by name."""
    models = {
        "all features": make_model().fit(X, y),
        "FeatureWizSelector": make_model(FeatureWizSelector(n_jobs=2)).fit(X, y),
    }
    n_selected = models["FeatureWizSelector"][-1].n_features_in_
    return {**models, "SelectKBest": make_model(SelectKBest(k=n_selected)).fit(X, y)}


def run(songs, split, seeds):
    """Print a line for each model."""
    X, y, groups, is_train = songs
    is_right: dict = {}
    n_selected: dict = {}
    for seed in range(seeds):
        for train, test in make_folds(split, y, groups, is_train, seed, share=1.0):
            for name, model in fit_models(X.iloc[train], y[train]).items():
                right = model.predict(X.iloc[test]) == y[test]
                is_right.setdefault(name, []).append(pd.Series(right, index=test, dtype=float))
                n_selected.setdefault(name, []).append(model[-1].n_features_in_)
    means = {name: pd.concat(parts).groupby(level=0).mean() for name, parts in is_right.items()}
    rows = [
        {
            "model": name,
            "features": np.mean(n_selected[name]),
            "accuracy": compare(mean, 0.0, groups),
            "against all": compare(mean, means["all features"], groups),
        }
        for name, mean in means.items()
    ]
    print(f"\n{split}, {len(next(iter(means.values())))} songs tested")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.1f}".format))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="CSV file of features")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    songs = load(args.data)
    X, y, groups, is_train = songs
    print(describe_machine("scikit-learn", "featurewiz"))
    print(
        f"{len(X)} songs of {len(set(groups))} artists with {X.shape[1]} features, "
        f"{is_train.sum()} songs in the train list"
    )
    selector = FeatureWizSelector(n_jobs=2).fit(X[is_train], y[is_train])
    print(f"selected on the train list: {', '.join(X.columns[selector.order_])}")
    run(songs, "lists", 1)
    run(songs, "artists", args.seeds)


if __name__ == "__main__":
    main()
