"""Accuracy of every named pipeline, with artists kept apart.

    python benchmarks/models.py [--data <folder of GTZAN>] [--split lists] [--names lda svm ...]
                                [--duration 3] [--seeds 3] [--share 1] [--out models.csv]

The split `lists` trains on the train list of the fault-filtered split and tests on the valid list;
`artists` cross-validates by artist, with other folds for each seed, on the songs of both. The test
list stays untouched. `--share` trains on that share of the artists of each training part, for a
learning curve. Without a folder, invented songs take the place of GTZAN, and `lists` is a third of
the artists against the others.

Beside each accuracy, the mean over seeds, stands its difference from that of `linear`, with a 95 %
interval: a bootstrap over artists of the songs' answers.
"""

import argparse
import warnings

import numpy as np
from _machine import describe_machine
from sklearn.model_selection import StratifiedGroupKFold

from skgenre import GTZANFilteredSplit, compare_classifiers, make_genre_classifier, summarize
from skgenre.datasets import load_gtzan, make_genre_clips
from skgenre.recipes import RECIPES

# What needs paths alone, and neither titles nor a checkpoint.
NAMES = [name for name in RECIPES if not name.startswith(("best", "metadata", "wav2vec"))]
N_SONGS, N_ARTISTS_PER_GENRE = 300, 9


class ShareOfArtists:
    """A splitter that leaves out of each training part all but a share of its artists."""

    def __init__(self, splitter, share, random_state=0):
        self.splitter = splitter
        self.share = share
        self.random_state = random_state

    def split(self, X, y, groups):
        if getattr(self.splitter, "shuffle", False):
            self.splitter.random_state = self.random_state
        rng = np.random.RandomState(self.random_state)
        for train, test in self.splitter.split(X, y, groups):
            artists = np.unique(groups[train])
            kept = rng.permutation(artists)[: round(self.share * len(artists))]
            yield train[np.isin(groups[train], kept)], test


def load(folder, duration):
    """Return songs, genres, artists, and the splitter of `lists`."""
    if folder:
        data = load_gtzan(folder)
        used = np.isin(data.filtered_split, ["train", "valid"])
        return data.paths[used], data.target[used], data.groups[used], GTZANFilteredSplit()
    songs = make_genre_clips(
        N_SONGS,
        duration=duration,
        n_artists_per_genre=N_ARTISTS_PER_GENRE,
        random_state=0,
        return_groups=True,
        n_jobs=2,
    )
    return *songs, StratifiedGroupKFold(3)


def make_classifiers(args):
    classifiers = {}
    for name in args.names:
        is_cut = RECIPES[name].n_segments not in (None, 1)
        length = {} if is_cut else {"duration": args.duration}
        classifiers[name] = make_genre_classifier(name, n_jobs=2, cache=args.cache, **length)
    return classifiers


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of GTZAN; invented songs if left out")
    parser.add_argument("--split", default="lists", choices=["lists", "artists"])
    parser.add_argument("--names", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--duration", type=float, default=3.0, help="seconds of each clip")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--share", type=float, default=1.0, help="of the artists to train on")
    parser.add_argument("--cache", help="folder to keep features in")
    parser.add_argument("--results", help="folder to keep results in, to go on after a stop")
    parser.add_argument("--out", help="CSV file for the summary")
    args = parser.parse_args()

    # from discriminants, where a share of the artists leaves a genre one song
    warnings.filterwarnings("ignore", "Only one sample available")
    print(describe_machine("scikit-learn", "keras", "tensorflow"))
    X, y, groups, lists = load(args.data, args.duration)
    splitter = lists if args.split == "lists" else StratifiedGroupKFold(5, shuffle=True)
    results = compare_classifiers(
        make_classifiers(args),
        X,
        y,
        protocols={args.split: ShareOfArtists(splitter, args.share)},
        groups=groups,
        seeds=range(args.seeds),
        max_folds=1 if args.split == "lists" else None,
        results=args.results,
        verbose=1,
    )
    train, test = results["n_train"][0], results["n_test"][0]
    print(f"{len(y)} songs of {len(set(groups))} artists, the first fold {train} to {test}")
    table = summarize(results, reference="linear" if "linear" in args.names else None)
    table = table.drop(columns=["protocol", "is_valid", "is_suspicious"]).set_index("estimator")
    print(table.round(3).to_string())
    if args.out:
        table.to_csv(args.out)


if __name__ == "__main__":
    main()
