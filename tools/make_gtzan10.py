"""Make skgenre/data/gtzan-10.onnx, the classifier of ten genres that comes with the package.

It is the recipe `best`, trained on excerpts of GTZAN, each song once: its longest one. Before, it
is cross-validated on the same songs with artists apart, and the file's card says how good it was. A
second run gives the same file to the byte, on the same machine with the same libraries.

    pip install "skgenre[export]"
    python tools/make_gtzan10.py <folder of GTZAN> [<another one> ...]
"""

import argparse
import os
from pathlib import Path

# other threads add in another order
os.environ["OMP_NUM_THREADS"] = "1"
# 29 November 2026
os.environ["SOURCE_DATE_EPOCH"] = "1795910400"

import numpy as np
import pandas as pd

from skgenre import (
    compare_classifiers,
    export_model,
    load_model,
    make_genre_classifier,
    model_card,
    summarize,
)
from skgenre.datasets import load_gtzan

OUT = Path(__file__).parents[1] / "skgenre" / "data" / "gtzan-10.onnx"
# the rate that the nets of `best` hear at, so that the file takes waveform
SR = 16000
MAX_DIFFERENCE = 1e-4


def load_songs(folders):
    """Return paths, genres and artists of all songs; of each song, its longest excerpt."""
    tables = []
    for folder in folders:
        data = load_gtzan(folder)
        table = pd.DataFrame({"path": data.paths, "genre": data.target, "artist": data.groups})
        table["bytes"] = [Path(path).stat().st_size for path in data.paths]
        table["song"] = [Path(path).stem for path in data.paths]
        tables.append(table)
    songs = pd.concat(tables).sort_values(["song", "bytes"]).drop_duplicates("song", keep="last")
    return songs["path"].to_numpy(), songs["genre"].to_numpy(str), songs["artist"].to_numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", help="folders of GTZAN")
    parser.add_argument("--seeds", type=int, default=10, help="cross-validations")
    parser.add_argument("--cache", help="folder to keep features in")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()

    X, y, artists = load_songs(args.folders)
    print(f"{len(X)} songs of {len(set(artists))} artists")
    clf = make_genre_classifier("best", sr=SR, n_jobs=2, cache=args.cache)
    results = compare_classifiers(
        {"best": clf},
        X,
        y,
        protocols=["artist"],
        groups=artists,
        seeds=range(args.seeds),
        verbose=1,
    )
    card = summarize(results).iloc[0].to_dict()
    card["learned_from"] = {"n_songs": len(X), "n_artists": len(set(artists))}

    clf.fit(X, y, musicnn__groups=artists)
    export_model(clf, args.out, card=card)
    loaded = load_model(args.out).set_params(n_jobs=2)
    difference = np.abs(loaded.predict_proba(X) - clf.predict_proba(X)).max()
    print(f"{args.out.stat().st_size / 1e6:.2f} MB, {difference:.1e} from the pipeline\n")
    print(model_card(args.out))
    if difference > MAX_DIFFERENCE:
        raise SystemExit("The file does not answer as the pipeline does")


if __name__ == "__main__":
    main()
