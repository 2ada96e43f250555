"""Speed and memory of OnnxEmbedder with a bundled net, against the code of the package musicnn.

    python benchmarks/pretrained.py [--data <folder of genres>] [--rounds 5] [--songs 100 1000]

The rival is what musicnn 0.1.0 does with a file: librosa's front end, then the net of its wheel
under TensorFlow, one patch after the other, in a session that stays open. Both get the same files,
in turns, on one thread. The wheel is fetched from PyPI and not installed. Memory is the peak of a
fresh process. Without a folder, invented songs take the place of music.
"""

import argparse
import os
import tempfile
from pathlib import Path

# before the libraries that read them
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import numpy as np
import pandas as pd
import soundfile as sf
from _machine import describe_machine
from _musicnn import open_tagger
from _process import run_alone
from _timing import median_seconds
from musicnn_wheel import MODELS, download, unpack

from skgenre import OnnxEmbedder
from skgenre.datasets import load_genre_folder, make_genre_clips

SR, SECONDS, N_CLIPS = 22050, 30, 10
OUTPUTS = ["tags", "logits", "penultimate", "mean_pool", "max_pool"]
# of the songs whose number grows: a patch, since it is not the work that counts there
SECONDS_OF_MANY = 3.0

OUR_START = """
import sys
from skgenre import OnnxEmbedder
OnnxEmbedder().fit_transform([sys.argv[1]])
"""
THEIR_START = """
import sys
sys.path.insert(0, sys.argv[3])
from _musicnn import open_tagger
open_tagger(sys.argv[2])(sys.argv[1])
"""
MANY = """
import sys
from skgenre import OnnxEmbedder
outputs, duration, n_songs, *paths = sys.argv[1:]
embedder = OnnxEmbedder(outputs=outputs.split(","), duration=float(duration))
paths = (paths * -(-int(n_songs) // len(paths)))[: int(n_songs)]
embedder.fit_transform(paths)
"""


def compare_speed(paths, checkpoint, rounds):
    """Compare with the rival on files."""
    embedder, tag = OnnxEmbedder().fit(paths[:1]), open_tagger(checkpoint)
    difference = max(np.abs(embedder.transform([path])[0] - tag(path)).max() for path in paths)
    contenders = {"ours": lambda path: embedder.transform([path]), "theirs": tag}
    times = median_seconds(contenders, paths, rounds * len(paths))
    return {
        "ours (s a song)": times["ours"],
        "musicnn (s a song)": times["theirs"],
        "speed-up": times["theirs"] / times["ours"],
        "largest difference of a tag": difference,
    }


def compare_workers(paths, rounds):
    """Compare two workers with one."""
    embedders = {n_jobs: OnnxEmbedder(n_jobs=n_jobs).fit(paths[:1]) for n_jobs in (1, 2)}
    contenders = {n_jobs: embedder.transform for n_jobs, embedder in embedders.items()}
    times = median_seconds(contenders, [paths], rounds)
    return {
        "1 worker (s)": times[1],
        "2 workers (s)": times[2],
        "speed-up": times[1] / times[2],
    }


def compare_starts(path, checkpoint, rounds):
    """Compare new processes, from their start to the tags of a file."""
    peaks = {}

    def start(name, code):
        def run(path):
            peaks[name] = run_alone(code, path, checkpoint, str(Path(__file__).parent))[1]

        run(path)  # for what is kept on disk from the first time on
        return run

    contenders = {"ours": start("ours", OUR_START), "theirs": start("theirs", THEIR_START)}
    times = median_seconds(contenders, [path], rounds)
    return {
        "ours (s)": times["ours"],
        "musicnn (s)": times["theirs"],
        "speed-up": times["theirs"] / times["ours"],
        "ours (MB)": peaks["ours"],
        "musicnn (MB)": peaks["theirs"],
    }


def measure_songs(paths, sizes):
    """Measure the memory that more songs take, beside that of their features."""
    width = sum(OnnxEmbedder(outputs=OUTPUTS)._open_net().widths.values())
    rows = []
    for n_songs in sizes:
        arguments = [",".join(OUTPUTS), str(SECONDS_OF_MANY), str(n_songs), *paths]
        peak = run_alone(MANY, *arguments)[1]
        features = 4 * width * n_songs / 2**20
        rows.append({"songs": n_songs, "peak (MB)": peak, "features (MB)": features})
    return pd.DataFrame(rows)


def find_songs(folder, invented):
    if folder:
        songs = load_genre_folder(folder).paths
        return [str(path) for path in songs[:: max(1, len(songs) // N_CLIPS)][:N_CLIPS]]
    paths = []
    for i, y in enumerate(make_genre_clips(N_CLIPS, sr=SR, duration=SECONDS, random_state=0)[0]):
        paths.append(str(Path(invented, f"{i}.wav")))
        sf.write(paths[-1], y, SR)
    return paths


def show(title, rows):
    print(f"\n{title}:")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of genres; invented songs if left out")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--songs", type=int, nargs="+", default=[100, 1000])
    args = parser.parse_args()
    print(describe_machine("onnxruntime", "tensorflow", "librosa", "numpy"))
    with tempfile.TemporaryDirectory() as folder:
        paths = find_songs(args.data, folder)
        checkpoint = unpack(download(folder), MODELS["msd"], folder)
        show("Tags of a song, one thread", [compare_speed(paths, checkpoint, args.rounds)])
        show(f"{len(paths)} songs", [compare_workers(paths, args.rounds)])
        show(
            "A new process, to the tags of a song",
            [compare_starts(paths[0], checkpoint, args.rounds)],
        )
        show(
            f"Memory for all outputs of songs of {SECONDS_OF_MANY:g} s",
            measure_songs(paths, args.songs),
        )


if __name__ == "__main__":
    main()
