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
from sklearn.model_selection import StratifiedKFold

from skgenre import compare_classifiers, make_genre_classifier, summarize
from skgenre.datasets import load_gtzan

COLUMNS = ("audio", "title", "artist")
SETS = [("audio",), ("title",), ("artist",), ("audio", "title"), COLUMNS]
PROTOCOLS = {
    "random folds": StratifiedKFold(5, shuffle=True, random_state=0),
    "artists apart": "artist",
}


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
    with tempfile.TemporaryDirectory() as cache:
        classifiers = {}
        for taken in SETS:
            left_out = {f"columns__{name}": "drop" for name in set(COLUMNS) - set(taken)}
            classifiers[", ".join(taken)] = make_genre_classifier(
                "metadata", duration=args.duration, n_jobs=2, cache=cache, **left_out
            )
        results = compare_classifiers(
            classifiers, songs, y, protocols=PROTOCOLS, groups=artists, seeds=range(args.seeds)
        )
    columns = ["protocol", "estimator", "leakage", "accuracy", "low", "high"]
    print(summarize(results)[columns].round(3).to_string(index=False))


if __name__ == "__main__":
    main()
