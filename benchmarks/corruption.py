"""Thousands of broken files of every format, read in a process that may crash.

    python benchmarks/corruption.py [--rounds 6] [--seed 0]

Every file must give an array (finite, float32, of the length that its header and the part asked
for say) or an `AudioError` that names it, with nothing on standard error; the features of huge
samples are finite or an `AudioError`, too. Where a file was cut, has something before or behind it,
or is several joined end to end, the array must hold all the music, or it is "short".

Prints a row for each format and, below it, what went otherwise. "cuts read" are the cut files that
gave an array: the whole of it, but for the formats that do not say how long they are
(`_broken_files.CANNOT_TELL`): AC-3, E-AC-3, MP2, ADTS and MPEG streams cut between two frames, and
rare ones of libsndfile. Of two MAT4 or SDS files joined, the second is not seen.
"""

import argparse
import os
import resource
import tempfile
import time
import warnings
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from _broken_files import (
    CANNOT_TELL,
    ONLY_FIRST,
    SR,
    corrupt,
    good_files,
    huge_floats,
    strange_files,
)
from _machine import describe_machine

from skgenre import AudioDescriptorTransformer, MelSpectrogramTransformer, MFCCSegmenter
from skgenre.audio import AudioError, load_audio
from skgenre.audio._isolation import WorkerError, Workers

TIMEOUT = 30
MEMORY_LIMIT = 0.5  # GiB that a worker may hold
# What a decoder may lose where music starts or ends: the frames that need their neighbours; and of
# ADTS behind junk all that looks like the first frame, up to 8 KB.
MAY_MISS, ADTS_MAY_MISS = SR // 10, SR * 6 // 10


def read(judge, path):
    """Return what became of a file: an outcome, its detail, and the peak memory in GiB."""
    with warnings.catch_warnings(record=True) as caught, tempfile.TemporaryFile() as said:
        warnings.simplefilter("always")
        saved = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            outcome, detail = judge(path)
        except AudioError as error:
            outcome, detail = "AudioError", ""
            if list(error.failures) != [path] or not all(error.failures.values()):
                outcome, detail = "wrong", f"the error names {error.failures}"
        except BaseException as error:
            outcome, detail = "wrong", repr(error)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        said.seek(0)
        words = said.read().decode(errors="replace")
    if caught or words:
        outcome, detail = "noise", f"{[str(w.message) for w in caught]} {words!r}"
    return outcome, detail, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def judge_samples(path, duration=None, at_least=0):
    """Read a file and return (outcome, detail)."""
    y = load_audio(path, sr=SR, duration=duration)
    if y.dtype != np.float32 or y.ndim != 1 or not len(y) or not np.isfinite(y).all():
        return "wrong", f"{y.dtype} {y.shape}"
    if duration is not None and len(y) > duration * SR + 1:
        return "wrong", f"{len(y)} samples for {duration} s"
    if len(y) < at_least:
        return "short", f"{len(y)} samples of {at_least}"
    return "array", ""


def judge_features(path):
    """Compute features of a file and return (outcome, detail)."""
    for transformer in (MelSpectrogramTransformer, MFCCSegmenter, AudioDescriptorTransformer):
        if not np.isfinite(transformer(duration=1.0).fit_transform([path])).all():
            return "wrong", f"{transformer.__name__}: features that are not finite"
    return judge_samples(path)


def least_samples(group, how, n_good):
    """Return how many samples an array must hold of a file that was broken in some way."""
    names = {group, group.split()[0]}
    if how.startswith(("prefixed", "suffixed")):
        return n_good - (ADTS_MAY_MISS if group == "AAC" else MAY_MISS)
    if how.startswith("joined") and names.isdisjoint(ONLY_FIRST):
        return 2 * (n_good - MAY_MISS)
    return n_good if how.startswith("cut") and names.isdisjoint(CANNOT_TELL) else 0


class Tally:
    """Reads files in a worker and counts what became of them."""

    columns = (
        "files",
        "array",
        "AudioError",
        "wrong",
        "short",
        "noise",
        "crash",
        "hang",
        "cuts",
        "cuts read",
    )

    def __init__(self, workers):
        self.workers = workers
        self.counts: dict = {}
        self.memory: Counter = Counter()
        self.odd: list = []

    def add(self, group, how, path, judge=judge_samples):
        try:
            outcome, detail, memory = self.workers.run(read, judge, path, timeout=TIMEOUT)
        except WorkerError as error:
            outcome = "hang" if "within" in str(error) else "crash"
            detail, memory = str(error), 0
        counts = self.counts.setdefault(group, Counter())
        counts["files"] += 1
        counts[outcome] += 1
        if how in ("cut", "cut near the end"):
            counts["cuts"] += 1
            counts["cuts read"] += outcome in ("array", "short")
        self.memory[group] = max(self.memory[group], memory)
        if outcome not in ("array", "AudioError") or memory > MEMORY_LIMIT:
            self.odd.append((group, how, outcome, detail, round(memory, 2)))

    def table(self):
        rows = pd.DataFrame(self.counts).T.reindex(columns=self.columns).fillna(0).astype(int)
        rows.loc["all"] = rows.sum()
        rows["peak (MiB)"] = [round(1024 * self.memory[g]) for g in rows.index[:-1]] + [
            round(1024 * max(self.memory.values()))
        ]
        return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--rounds", type=int, default=6, help="times that each way of breaking runs"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    rng = np.random.RandomState(args.seed)
    start = time.perf_counter()
    with Workers() as workers, tempfile.TemporaryDirectory() as name:
        tally, folder = Tally(workers), Path(name)
        for group, ending, good in good_files(folder):
            if group == "WAV PCM_16":
                for how, path in strange_files(folder, good):
                    tally.add("strange", how, path)
            path = folder / f"broken.{ending}"
            path.write_bytes(good)
            n_good = len(load_audio(path, sr=SR))
            for i, (how, data) in enumerate(corrupt(good, rng, args.rounds)):
                path.write_bytes(data)
                at_least = least_samples(group, how, n_good)
                part = {"duration": 0.25} if i % 4 == 3 and not at_least else {"at_least": at_least}
                tally.add(group, how, str(path), partial(judge_samples, **part))
        for how, path in huge_floats(folder):
            tally.add("huge floats", how, path, judge_features)
    print(
        f"{describe_machine('soundfile', 'soxr', 'av')}, libsndfile {sf.__libsndfile_version__}, "
        f"{time.perf_counter() - start:.0f} s"
    )
    print(tally.table().to_string())
    print(f"{len(tally.odd)} files went otherwise, or took much memory")
    for row in tally.odd:
        print(*row, sep=" | ")


if __name__ == "__main__":
    # as a module of that name, so that a worker can import what it is to run
    import corruption

    corruption.main()
