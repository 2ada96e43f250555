"""What artist and title add to the audio, with artists on both sides of a split and apart.

    python benchmarks/metadata.py --data <folder of GTZAN> [--duration 3] [--seeds 3]

Cross-validates on the train and valid songs of the fault-filtered split; the test list stays
untouched.
"""

import argparse
import tempfile

import numpy as np
import pandas as pd
from _machine import describe_machine
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict

from skgenre import make_genre_classifier
from skgenre.datasets import load_gtzan

N_FOLDS = 5
COLUMNS = ("audio", "title", "artist")
SETS = [("audio",), ("title",), ("artist",), ("audio", "title"), COLUMNS]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of GTZAN")
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()

    print(describe_machine("scikit-learn"))
    data = load_gtzan(args.data)
    used = np.isin(data.filtered_split, ["train", "valid"])
    songs = pd.DataFrame({"path": data.paths, "title": data.title, "artist": data.artist})[used]
    y, artists = data.target[used], data.groups[used]
    print(f"{len(y)} songs of {len(set(artists))} artists")

    def score(clf, splitter, groups):
        accuracies = []
        for seed in range(args.seeds):
            folds = list(splitter(N_FOLDS, shuffle=True, random_state=seed).split(y, y, groups))
            accuracies.append(np.mean(cross_val_predict(clf, songs, y, cv=folds) == y))
        return np.mean(accuracies)

    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for taken in SETS:
            left_out = {f"columns__{name}": "drop" for name in set(COLUMNS) - set(taken)}
            clf = make_genre_classifier(
                "metadata", duration=args.duration, n_jobs=2, cache=cache, **left_out
            )
            rows.append(
                {
                    "from": ", ".join(taken),
                    "random folds": score(clf, StratifiedKFold, None),
                    "artists apart": score(clf, StratifiedGroupKFold, artists),
                }
            )
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
