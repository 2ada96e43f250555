"""What many songs cost: speed, growth, and what is lost with a worker.

    python benchmarks/scale.py speed [--data <folder of genres>]
    python benchmarks/scale.py growth [--songs 1000 10000 100000]
    python benchmarks/scale.py faults [--songs 5000] [--seconds 120]

Songs are generated unless there is --data. `growth` and `faults` use hard links to 200 short clips.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import distributed
import librosa
import numpy as np
import pandas as pd
import psutil
import soundfile as sf
from _machine import describe_machine
from joblib import Parallel, delayed

from skgenre import MelSpectrogramTransformer, OnnxEmbedder, extract_corpus, load_audio
from skgenre.datasets import load_genre_folder, make_genre_clips
from skgenre.feature_extraction._corpus_store import CorpusStore

SR, N_CLIPS, CHUNK = 22050, 200, 64


def make_clips(folder, duration, ending, n_clips=N_CLIPS):
    """Write invented songs and return their paths."""
    X, _ = make_genre_clips(n_clips, n_genres=10, duration=duration, random_state=0)
    paths = []
    for i, y in enumerate(X):
        path = folder / f"{i:03}.{ending}"
        sf.write(path, y, SR)
        paths.append(str(path))
    return paths


def link(paths, n_songs, folder):
    """Return paths of so many songs, hard links to the given ones."""
    folder.mkdir()
    links = [str(folder / f"{i:06}{Path(paths[i % len(paths)]).suffix}") for i in range(n_songs)]
    for i, name in enumerate(links):
        os.link(paths[i % len(paths)], name)
    return links


class Peaks:
    """The most memory that processes take, in MB, looked at ten times a second."""

    def __init__(self, **processes):
        self._processes = {name: psutil.Process(pid) for name, pid in processes.items()}
        self.of = dict.fromkeys(processes, 0.0)
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self):
        self._watcher.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self._watcher.join()

    def _watch(self):
        while not self._is_over.wait(0.1):
            for name, process in self._processes.items():
                self.of[name] = max(self.of[name], process.memory_info().rss / 2**20)


@contextmanager
def cluster(n_workers=2):
    """Yield the client of a Dask cluster of processes, and their process numbers."""
    with (
        distributed.LocalCluster(
            n_workers=n_workers, threads_per_worker=1, dashboard_address=None
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client, {f"worker {i}": nanny.pid for i, nanny in local.workers.items()}


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure_speed(given):
    """Print songs per second with one process and two, beside librosa's, and where time goes."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        wav = given or make_clips(Path(folder), 30.0, "wav", 96)
        mp3 = []
        for i, path in enumerate(wav[:96]):
            mp3.append(f"{folder}/{i:03}.mp3")
            sf.write(mp3[-1], load_audio(path), SR)
        kinds = {Path(wav[0]).suffix[1:]: wav, "mp3": mp3}
        for ending, paths in kinds.items():
            for transformer in (MelSpectrogramTransformer(), OnnxEmbedder()):
                rows.append(compare_processes(ending, paths, transformer, Path(folder)))
        print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))
        mel, paths = MelSpectrogramTransformer(n_jobs=2), kinds[Path(wav[0]).suffix[1:]]
        ours = seconds_of(lambda: extract_corpus(mel, paths, f"{folder}/ours"))
        theirs = seconds_of(lambda: Parallel(n_jobs=2)(delayed(by_librosa)(p) for p in paths))
    print(
        f"a joblib loop over librosa takes {theirs / ours:.1f} times as long for mel, 2 processes"
    )


def compare_processes(ending, paths, transformer, folder):
    seconds = {}
    for n_jobs in (1, 2):
        # a first time for what starts only once
        for attempt in range(2):
            out = folder / f"{ending}-{type(transformer).__name__}-{n_jobs}-{attempt}"
            run = transformer.set_params(n_jobs=n_jobs)
            seconds[n_jobs] = seconds_of(lambda run=run, out=out: extract_corpus(run, paths, out))
    some, store = paths[:32], folder / f"{ending}-{type(transformer).__name__}-shares"
    alone = transformer.set_params(n_jobs=1)
    reading = seconds_of(lambda: [load_audio(path, duration=30.0) for path in some])
    features = None

    def compute():
        nonlocal features
        features = alone.transform(some)

    both = seconds_of(compute)
    written = CorpusStore.begin(store, alone, some, len(some))
    writing = seconds_of(lambda: written.write(0, features, [""] * len(some)))
    whole = both + writing
    return {
        "files": ending,
        "features": type(transformer).__name__,
        "songs/s, 1 process": len(paths) / seconds[1],
        "2 processes": len(paths) / seconds[2],
        "times as fast": seconds[1] / seconds[2],
        "reading": f"{reading / whole:.0%}",
        "computing": f"{(both - reading) / whole:.0%}",
        "writing": f"{writing / whole:.0%}",
    }


def by_librosa(path):
    y, _ = librosa.load(path, sr=SR, duration=30.0)
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR), ref=np.max)


def measure_growth(sizes):
    """Print seconds per song and peak memory at several sizes of a corpus."""
    rows = []
    mel = MelSpectrogramTransformer(duration=1.0, n_mels=64)
    with tempfile.TemporaryDirectory() as folder:
        clips = make_clips(Path(folder), 1.0, "wav")
        for n_songs in sizes:
            paths = link(clips, n_songs, Path(folder, str(n_songs)))
            with cluster() as (client, workers), Peaks(client=os.getpid(), **workers) as peaks:
                # the scheduler is a thread of this process
                files = psutil.Process().num_fds()
                taken = seconds_of(
                    lambda p=paths, c=client, n=n_songs: extract_corpus(
                        mel, p, f"{folder}/store-{n}", chunk=CHUNK, client=c
                    )
                )
                left = psutil.Process().num_fds() - files
            rows.append(
                {
                    "songs": n_songs,
                    "seconds": taken,
                    "ms a song": 1e3 * taken / n_songs,
                    **{f"{name} (MB)": peak for name, peak in peaks.of.items()},
                    "files left open": left,
                }
            )
            shutil.rmtree(f"{folder}/store-{n_songs}")
            shutil.rmtree(f"{folder}/{n_songs}")
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))


def measure_faults(n_songs, seconds):
    """Kill a worker every five seconds, and compare the store with an undisturbed one."""
    mel = MelSpectrogramTransformer(duration=1.0, n_mels=64)
    with tempfile.TemporaryDirectory() as folder:
        paths = link(make_clips(Path(folder), 1.0, "wav"), n_songs, Path(folder, "songs"))
        quiet = seconds_of(lambda: extract_corpus(mel, paths, f"{folder}/quiet", chunk=CHUNK))
        n_killed, is_over = 0, threading.Event()

        def kill(client):
            nonlocal n_killed
            until = time.monotonic() + seconds
            while not is_over.wait(5) and time.monotonic() < until:
                # those that have joined: Dask gives up one that dies while it starts
                nannies = [
                    nanny
                    for nanny in client.cluster.workers.values()
                    if nanny.worker_address in client.nthreads()
                ]
                if nannies:
                    os.kill(nannies[n_killed % len(nannies)].pid, signal.SIGKILL)
                    n_killed += 1

        with cluster() as (client, _):
            killer = threading.Thread(target=kill, args=(client,))
            killer.start()
            disturbed = seconds_of(
                lambda: extract_corpus(mel, paths, f"{folder}/killed", chunk=CHUNK, client=client)
            )
            is_over.set()
            killer.join()
        equal = read_all(Path(folder, "quiet")) == read_all(Path(folder, "killed"))
    print(
        f"{n_songs} songs, {n_killed} workers killed: {disturbed:.0f} s against {quiet:.0f} s in "
        f"one process undisturbed; the stores are {'equal' if equal else 'NOT EQUAL'}"
    )


def read_all(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["speed", "growth", "faults"])
    parser.add_argument("--data", help="folder of genres")
    parser.add_argument("--songs", nargs="*", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=120.0)
    args = parser.parse_args()
    print(describe_machine("librosa", "distributed", "zarr"), file=sys.stdout)
    if args.what == "speed":
        measure_speed(load_genre_folder(args.data).paths.tolist() if args.data else None)
    elif args.what == "growth":
        measure_growth(args.songs or [1000, 10_000, 100_000])
    else:
        measure_faults((args.songs or [5000])[0], args.seconds)


if __name__ == "__main__":
    main()
