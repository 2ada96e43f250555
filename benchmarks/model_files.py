"""Thousands of broken model files, loaded and asked in processes that may crash.

    python benchmarks/model_files.py [FILE ...] [--n 20000] [--seed 0] [--n-jobs 2]

Without files, those of some recipes, fitted on synthetic clips. Each copy is broken in a way of
`_broken_models`: bytes under the old seal, bytes under a new seal that fits, fields, operators and
metadata under one. What may become of it is an error at loading (`ModelFileError`), an error of a
`ValueError`'s kind when it is asked, or probabilities: finite, not negative, 1 in sum. A file whose
seal does not fit must not load. All else is "wrong". Crashes, more than 30 s and more than 1 GiB
are counted too.

Prints a row for each way and, below it, what went otherwise.
"""

import argparse
import random
import resource
import tempfile
import threading
import time
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from _broken_models import HOW, UNSEALED, break_file
from _machine import describe_machine

from skgenre import AudioError, load_model, make_genre_classifier
from skgenre.audio._isolation import WorkerError, Workers
from skgenre.datasets import make_genre_clips
from skgenre.persistence._format import ModelFileError

TIMEOUT = 30
MEMORY_LIMIT = 1.0  # GiB
# So that a file that gets through does not take the machine along.
ADDRESS_SPACE = 8 * 2**30
DURATION = 3.0
RECIPES = {
    "linear": {},
    "gmm": {},
    "svm": {},
    "stack": {"stack__trees__n_estimators": 5},
    "cnn-mfcc-10": {"cnn__epochs": 1},
    "lstm": {"rnn__epochs": 1},
}


def make_files(folder):
    """Write the model files of some recipes and return their paths."""
    from skgenre import export_model

    X, y = make_genre_clips(24, n_genres=3, duration=DURATION, random_state=0)
    for name, params in RECIPES.items():
        clf = make_genre_classifier(name, duration=DURATION, random_state=0, **params).fit(X, y)
        export_model(clf, folder / f"{name}.onnx")
    return sorted(folder.glob("*.onnx"))


@lru_cache
def read(path):
    return Path(path).read_bytes()


@lru_cache
def make_songs():
    X, _ = make_genre_clips(2, n_genres=2, duration=DURATION, random_state=1)
    return X


def ask(path, how, seed, aside):
    """Break a file and return what became of it: an outcome and its detail."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    good = read(path)
    broken = break_file(good, how, random.Random(seed))
    if broken == good:
        return "the same", ""
    aside = Path(aside)
    aside.write_bytes(broken)
    Path("/proc/self/clear_refs").write_text("5")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judge(aside, how)


def judge(path, how):
    try:
        clf = load_model(path)
    except ModelFileError as error:
        return "refused", "" if str(path) in str(error) else f"wrong: the error says {error}"
    except Exception as error:
        return "wrong", f"loading: {error!r}"[:300]
    if how in UNSEALED:
        return "wrong", "loaded under an old seal"
    try:
        proba = clf.predict_proba(make_songs())
    except (ValueError, AudioError):
        return "error", ""
    except Exception as error:
        return "wrong", f"predicting: {error!r}"[:300]
    shape = (2, len(clf.classes_))
    if proba.shape != shape or not np.isfinite(proba).all() or proba.min() < 0:
        return "wrong", f"{proba}"
    if abs(proba.sum(axis=1) - 1).max() > 2e-3:
        return "wrong", f"sums {proba.sum(axis=1)}"
    return "answer", ""


def ask_and_measure(*args):
    """Return what `ask` does, the peak memory in GiB if it was below the limit, and the seconds."""
    start, before = time.perf_counter(), read_memory("VmRSS")
    outcome = ask(*args)
    # onnxruntime keeps what it had, so that only the first to pass the limit is to blame
    peak = read_memory("VmHWM") if before < MEMORY_LIMIT else 0
    return *outcome, peak, time.perf_counter() - start


def read_memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith(name))
    return int(kilobytes) / 2**20


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--n", type=int, default=20_000, help="how many files to break")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n-jobs", type=int, default=2)
    args = parser.parse_args()

    start, odd, lock = time.perf_counter(), [], threading.Lock()
    counts: dict = {how: Counter() for how in HOW}
    peaks, seconds = dict.fromkeys(HOW, 0.0), dict.fromkeys(HOW, 0.0)
    with tempfile.TemporaryDirectory() as name, Workers() as workers:
        folder = Path(name)
        files = [str(path) for path in args.files or make_files(folder)]

        def run(number):
            path, how = files[number % len(files)], HOW[number // len(files) % len(HOW)]
            aside = str(folder / f"{threading.get_ident()}.onnx.broken")
            seed = 1_000_000 * args.seed + number
            try:
                outcome, detail, peak, took = workers.run(
                    ask_and_measure, path, how, seed, aside, timeout=TIMEOUT
                )
            except WorkerError as error:
                outcome = "hang" if "within" in str(error) else "crash"
                detail, peak, took = str(error), 0, 0
            with lock:
                counts[how]["files"] += 1
                counts[how][outcome] += 1
                counts[how]["over 1 GiB"] += peak > MEMORY_LIMIT
                peaks[how], seconds[how] = max(peaks[how], peak), max(seconds[how], took)
                if outcome in ("wrong", "crash", "hang") or detail or peak > MEMORY_LIMIT:
                    odd.append((Path(path).name, how, seed, outcome, detail, f"{peak:.2f} GiB"))

        with ThreadPoolExecutor(args.n_jobs) as pool:
            list(pool.map(run, range(args.n)))
    columns = ["files", "the same", "refused", "error", "answer"]
    columns += ["wrong", "crash", "hang", "over 1 GiB"]
    table = pd.DataFrame(counts).T.reindex(columns=columns).fillna(0).astype(int)
    table.loc["all"] = table.sum()
    for title, found in (("peak (GiB)", peaks), ("slowest (s)", seconds)):
        table[title] = [*(round(found[how], 2) for how in HOW), round(max(found.values()), 2)]
    print(f"{describe_machine('onnxruntime')}, {time.perf_counter() - start:.0f} s")
    print(f"of {', '.join(sorted(Path(path).name for path in files))}")
    print(table.to_string())
    print(f"{len(odd)} went otherwise")
    for row in odd[:200]:
        print(*row, sep=" | ")


if __name__ == "__main__":
    # as a module of that name, so that a worker can import what it is to run
    import model_files

    model_files.main()
