"""`skgenre predict`: from a new process to an answer, files per second, and memory.

    python benchmarks/command_line.py --data <folder of genres> [--songs 100 2000] [--rounds 5]

One file is answered by a new process. Many files, links to those of the folder, are answered with
as many threads as there are processors, beside a plain loop over the same model in Python.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import pandas as pd
from _machine import describe_machine
from _process import run_alone

from skgenre.datasets import load_genre_folder

COMMAND = """
import sys
from skgenre.cli._app import app
try:
    app(["predict", *sys.argv[1:]])
except SystemExit as end:
    assert end.code == 0
"""
LOOP = """
import sys
from skgenre import load_model
from skgenre.datasets._walk import find_songs
clf = load_model("gtzan-10")
with open(sys.argv[3], "w") as out:
    for path in find_songs(sys.argv[1]).songs:
        proba = clf.predict_proba([path])[0]
        print(path, clf.classes_[proba.argmax()], proba.max(), sep=",", file=out)
"""


def measure(code, *args):
    """Return seconds and peak MB of a new process."""
    start = time.perf_counter()
    _, peak = run_alone(code, *args)
    return time.perf_counter() - start, peak


def link_songs(songs, n_songs, folder):
    for i in range(n_songs):
        song = songs[i % len(songs)]
        os.symlink(os.path.abspath(song), folder / f"{i:05}{Path(song).suffix}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="folder of genres")
    parser.add_argument("--songs", nargs="*", type=int, default=[100, 2000])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    songs = load_genre_folder(args.data).paths
    print(describe_machine("scikit-learn", "onnxruntime", "typer"), file=sys.stdout)
    runs = [measure(COMMAND, songs[0]) for _ in range(args.rounds + 1)][1:]
    seconds, peaks = zip(*runs, strict=True)
    print(f"one file: {median(seconds):.2f} s ({min(seconds):.2f} at best), {max(peaks):.0f} MB")
    rows = []
    for n_songs in args.songs:
        with tempfile.TemporaryDirectory() as folder:
            link_songs(songs, n_songs, Path(folder))
            for name, code in {"skgenre predict": COMMAND, "loop in Python": LOOP}.items():
                with tempfile.TemporaryDirectory() as out:
                    taken, peak = measure(code, folder, "--output", f"{out}/rows.csv")
                rows.append(
                    {"files": n_songs, "": name, "files/s": n_songs / taken, "peak (MB)": peak}
                )
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
