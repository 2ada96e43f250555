"""What many songs cost: speed, growth, and what is lost with a worker.

    python benchmarks/scale.py speed [--data <folder of genres>]
    python benchmarks/scale.py peers [--data <folder of genres>]
    python benchmarks/scale.py growth [--songs 1000 10000 100000]
    python benchmarks/scale.py faults [--songs 30000] [--seconds 120]
    python benchmarks/scale.py machines [--songs 200]
    python benchmarks/scale.py training [--songs 20000 200000 600000]

Songs are generated unless there is --data, and then linked to as many names as it takes. `machines`
needs the extra test-remote, `faults` and `machines` a Linux where anybody may make namespaces. One
of the peers is audioflux, where it is installed.
"""

import argparse
import gc
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

import pandas as pd
import psutil
import soundfile as sf
from _cluster import Cluster
from _corpora import SR, Corpus, link, make_clips, seconds_of
from _machine import describe_machine
from _peers import PEERS
from _scale_faults import fill_disk, kill_client, kill_scheduler, kill_workers
from _scale_training import measure_training

from skgenre import MelSpectrogramTransformer, OnnxEmbedder, load_audio
from skgenre.datasets import load_genre_folder
from skgenre.feature_extraction._corpus_store import CorpusStore

_SHORT = MelSpectrogramTransformer(duration=3.0, n_mels=64)
_CHUNK = 64
# Dask forgets tasks a little after they end
_PAUSE = 2.0


def find_clips(folder, given):
    """Return the paths of songs of 30 s."""
    return load_genre_folder(given).paths.tolist() if given else make_clips(folder, 30.0)


def measure_speed(folder, given):
    """Return songs per second with one process and two, and where the time goes."""
    wav = find_clips(folder, given)
    mp3 = []
    for i, path in enumerate(wav):
        mp3.append(f"{folder}/{i:03}.mp3")
        sf.write(mp3[-1], load_audio(path, duration=30.0), SR)
    return [
        compare_processes(folder / f"{name}-{ending}", ending, name, transformer, paths, n_songs)
        for ending, paths in (("WAV", wav), ("MP3", mp3))
        for name, transformer, n_songs in (
            ("mel", MelSpectrogramTransformer(), 6000),
            ("musicnn", OnnxEmbedder(), 400),
        )
    ]


def compare_processes(folder, ending, name, transformer, clips, n_songs):
    paths, seconds = link(clips, n_songs, folder / "songs"), {}
    for n_jobs in (1, 2):
        corpus = Corpus(transformer.set_params(n_jobs=n_jobs), paths, _CHUNK)
        seconds[n_jobs] = corpus.extract(folder / f"store-{n_jobs}")
    some, alone = paths[:_CHUNK], transformer.set_params(n_jobs=1)
    alone.transform(some[:1])
    reading = seconds_of(lambda: [load_audio(path, duration=30.0) for path in some])
    features = []
    both = seconds_of(lambda: features.append(alone.fit(some).transform(some)))
    store = CorpusStore.begin(folder / "shares", alone, some, _CHUNK)
    writing = seconds_of(lambda: store.write(0, features[0], {}))
    whole = both + writing
    return {
        "files": ending,
        "features": name,
        "songs": n_songs,
        "songs/s, 1 process": n_songs / seconds[1],
        "2 processes": n_songs / seconds[2],
        "times as fast": seconds[1] / seconds[2],
        "reading": f"{reading / whole:.0%}",
        "computing": f"{(both - reading) / whole:.0%}",
        "writing": f"{writing / whole:.0%}",
    }


def measure_peers(folder, given, n_songs):
    """Return songs per second of others that compute mel spectrograms of files, beside ours."""
    paths = link(find_clips(folder, given), n_songs, folder / "songs")
    corpus = Corpus(MelSpectrogramTransformer(n_jobs=2), paths, _CHUNK)
    ours = corpus.extract(folder / "ours")
    rows = [{"2 processes": "extract_corpus", "songs/s": n_songs / ours, "takes": 1.0}]
    for name, run in PEERS.items():
        theirs = seconds_of(lambda run=run: run(paths, folder))
        rows.append({"2 processes": name, "songs/s": n_songs / theirs, "takes": theirs / ours})
    return rows


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


def measure_growth(folder, sizes):
    """Return seconds per song and peak memory at several sizes of a corpus."""
    clips = make_clips(folder, 3.0)
    return [measure_size(folder / str(n_songs), clips, n_songs) for n_songs in sizes]


def measure_size(folder, clips, n_songs):
    corpus = Corpus(_SHORT, link(clips, n_songs, folder / "songs"), _CHUNK)
    with Cluster(folder) as cluster, cluster.connect() as client:
        client.wait_for_workers(2)
        pids = {"client": os.getpid(), "scheduler": cluster.scheduler.pid}
        pids |= {f"worker {i}": worker.pid for i, worker in enumerate(cluster.workers, 1)}
        # what all have to load once
        corpus._replace(paths=corpus.paths[: 4 * _CHUNK]).extract(folder / "first", client=client)
        handles = {name: psutil.Process(pid).num_fds() for name, pid in pids.items()}
        with Peaks(**pids) as peaks:
            seconds = corpus.extract(folder / "store", client=client)
        gc.collect()
        time.sleep(_PAUSE)
        left = {name: psutil.Process(pid).num_fds() - handles[name] for name, pid in pids.items()}
        n_tasks = client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))
    return {
        "songs": n_songs,
        "seconds": seconds,
        "ms a song": 1e3 * seconds / n_songs,
        **{f"{name} (MB)": peak for name, peak in peaks.of.items()},
        "handles left": sum(left.values()),
        "tasks left": n_tasks,
    }


def measure_faults(folder, n_songs, seconds):
    """Return a row for each fault, with the store compared with an undisturbed one."""
    corpus = Corpus(_SHORT, link(make_clips(folder, 3.0), n_songs, folder / "songs"), 16)
    undisturbed = folder / "undisturbed"
    with Cluster(folder) as cluster, cluster.connect() as client:
        quiet = corpus.extract(undisturbed, client=client)
    return [
        {"fault": "none", "seconds": quiet, "store": ""},
        kill_workers(folder, corpus, undisturbed, seconds=seconds, pause=5),
        kill_scheduler(folder, corpus, undisturbed),
        kill_client(folder, corpus, undisturbed),
        fill_disk(folder, corpus, undisturbed),
    ]


def measure_machines(folder, n_songs):
    from _two_machines import run_two_machines

    paths = link(make_clips(folder, 3.0), n_songs, folder / "songs")
    return [run_two_machines(folder, Corpus(_SHORT, paths, 16))]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "what", choices=["speed", "peers", "growth", "faults", "machines", "training"]
    )
    parser.add_argument("--data", help="folder of genres")
    parser.add_argument("--songs", nargs="*", type=int, default=None)
    parser.add_argument("--seconds", type=float, default=120.0)
    args = parser.parse_args()
    print(describe_machine("librosa", "distributed", "zarr"), file=sys.stdout)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if args.what == "speed":
            rows = measure_speed(folder, args.data)
        elif args.what == "peers":
            rows = measure_peers(folder, args.data, (args.songs or [2000])[0])
        elif args.what == "growth":
            rows = measure_growth(folder, args.songs or [1000, 10_000, 100_000])
        elif args.what == "faults":
            rows = measure_faults(folder, (args.songs or [30_000])[0], args.seconds)
        elif args.what == "machines":
            rows = measure_machines(folder, (args.songs or [200])[0])
        else:
            rows = measure_training(folder, args.songs or [20_000, 200_000, 600_000])
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
