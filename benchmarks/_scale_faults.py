"""What can go wrong while a corpus is extracted. Each function returns a row of a table."""

import errno
import multiprocessing
import subprocess
import sys
import threading
import time
from pathlib import Path

import joblib
from _cluster import Cluster
from _corpora import compare

_PAUSE = 0.05


def kill_workers(folder, corpus, undisturbed, seconds, pause):
    """Kill one worker after the other for so many seconds; each is replaced."""
    out, n_killed, is_over = folder / "workers", 0, threading.Event()
    with Cluster(folder) as cluster, cluster.connect() as client:

        def kill():
            nonlocal n_killed
            _wait_for(1, corpus, out)
            until = time.monotonic() + seconds
            while not is_over.is_set() and time.monotonic() < until:
                cluster.replace_worker(n_killed % len(cluster.workers))
                n_killed += 1
                is_over.wait(pause)

        killer = threading.Thread(target=kill)
        killer.start()
        taken = corpus.extract(out, client=client)
        is_over.set()
        killer.join()
    fault = f"a worker killed every {pause:g} s, {n_killed} in all"
    return {"fault": fault, "seconds": taken, "store": compare(out, undisturbed)}


def kill_scheduler(folder, corpus, undisturbed):
    """Kill the scheduler when a third is done; it and its workers are started again."""
    out = folder / "scheduler"
    with Cluster(folder) as cluster, cluster.connect() as client:

        def kill():
            _wait_for(corpus.n_chunks / 3, corpus, out)
            cluster.replace_scheduler()

        killer = threading.Thread(target=kill)
        killer.start()
        taken = corpus.extract(out, client=client)
        killer.join()
    fault = "the scheduler killed once"
    return {"fault": fault, "seconds": taken, "store": compare(out, undisturbed)}


def kill_client(folder, corpus, undisturbed):
    """Kill the program that waits for the cluster when a third is done, and call it again."""
    out, start = folder / "client", time.perf_counter()
    with Cluster(folder) as cluster:
        given = (cluster.address, corpus, out)
        program = multiprocessing.get_context("spawn").Process(target=_extract, args=given)
        program.start()
        _wait_for(corpus.n_chunks / 3, corpus, out)
        program.kill()
        program.join()
        n_done = corpus.n_done(out)
        _extract(*given)
    fault = f"the client killed with {n_done} of {corpus.n_chunks} chunks done, and called again"
    taken = time.perf_counter() - start
    return {"fault": fault, "seconds": taken, "store": compare(out, undisturbed)}


def fill_disk(folder, corpus, undisturbed):
    """Extract to a disk that has room for half of it, and again when there is more room."""
    disk, start = folder / "disk", time.perf_counter()
    disk.mkdir()
    n_bytes = sum(path.stat().st_size for path in undisturbed.rglob("*") if path.is_file())
    joblib.dump(corpus, folder / "corpus.joblib")
    # in a namespace of its own anybody may mount
    mount = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'
    script = [sys.executable, __file__, disk, folder / "corpus.joblib", undisturbed]
    own = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        mount,
        "sh",
        f"{n_bytes // 2}",
        disk,
    ]
    stores = subprocess.run([*own, *script], check=True, stdout=subprocess.PIPE, text=True).stdout
    fault = "the disk full, and called again with more room"
    return {"fault": fault, "seconds": time.perf_counter() - start, "store": stores.strip()}


def _extract(address, corpus, out):
    with Cluster.connect_to(address) as client:
        corpus.extract(out, client=client)


def _wait_for(n_chunks, corpus, out):
    while corpus.n_done(out) < n_chunks:
        time.sleep(_PAUSE)


def _use_full_disk(disk, corpus, undisturbed):
    corpus = joblib.load(corpus)
    try:
        corpus.extract(disk / "store")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    else:
        raise RuntimeError("The disk was not full")
    subprocess.run(["mount", "-o", "remount,size=0", disk], check=True)
    corpus.extract(disk / "store")
    print(compare(disk / "store", undisturbed))


if __name__ == "__main__":
    _use_full_disk(*map(Path, sys.argv[1:]))
