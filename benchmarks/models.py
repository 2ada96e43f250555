"""Accuracy of pipelines on one split of GTZAN, over seeds.

    python benchmarks/models.py --data <folder of GTZAN> [--train train] [--test valid]

Trains on one list of the fault-filtered split and tests on another; no artist is on two lists.
"""

import argparse
import time

import pandas as pd
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from skgenre import KerasCNNClassifier, MFCCSegmenter, SegmentSummarizer, SpectrogramScaler
from skgenre.datasets import load_gtzan


def make_pipelines(duration, seed):
    """Return the pipelines by name; a clip is one segment of ``duration``."""
    segments = MFCCSegmenter(duration=duration, n_segments=1, n_jobs=2)
    return {
        "cnn": make_pipeline(
            segments,
            SpectrogramScaler(),
            KerasCNNClassifier(epochs=30, learning_rate=1e-3, random_state=seed),
        ),
        "svm": make_pipeline(
            segments,
            SegmentSummarizer(),
            StandardScaler(),
            SVC(C=10, class_weight="balanced", random_state=seed),
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of GTZAN")
    parser.add_argument("--train", default="train", choices=["train", "valid", "test"])
    parser.add_argument("--test", default="valid", choices=["train", "valid", "test"])
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()

    data = load_gtzan(args.data)
    train, test = data.filtered_split == args.train, data.filtered_split == args.test
    print(f"{train.sum()} songs of the {args.train} list, {test.sum()} of the {args.test} list")
    rows = []
    for seed in range(args.seeds):
        for name, clf in make_pipelines(args.duration, seed).items():
            start = time.perf_counter()
            clf.fit(data.paths[train], data.target[train])
            fitted = time.perf_counter()
            predicted = clf.predict(data.paths[test])
            rows.append(
                {
                    "pipeline": name,
                    "seed": seed,
                    "accuracy": (predicted == data.target[test]).mean(),
                    "macro-F1": f1_score(data.target[test], predicted, average="macro"),
                    "fit (s)": fitted - start,
                    "predict (s)": time.perf_counter() - fitted,
                }
            )
    results = pd.DataFrame(rows)
    print(results.round(3).to_string(index=False))
    print(results.groupby("pipeline")["accuracy"].agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
