"""Thousands of broken files of every format, read in a process that may crash.

    python benchmarks/corruption.py [--rounds 6] [--seed 0]

Every file must give an array (finite, float32, of the length that its header and the part asked
for say) or an `AudioError` that names it, with nothing on standard error. Prints a row for each
format and, below it, what went otherwise.
"""

import argparse
import os
import resource
import socket
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf
from _machine import describe_machine

from skgenre.audio import AudioError, load_audio
from skgenre.audio._isolation import WorkerError, Workers

SR = 22050
HEADER = 512  # bytes that are cut at one by one and overwritten with extreme numbers
EXTREMES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
TIMEOUT = 20
MEMORY_LIMIT = 0.5  # GiB that a worker may hold


def formats():
    """Yield (ending, format, subtype) of all that libsndfile writes here and reads back."""
    for name in sorted(set(sf.available_formats()) - {"RAW", "SD2"}):
        for subtype in sorted(sf.available_subtypes(name)):
            yield f"{name.lower()}", name, subtype


def write_good(folder, ending, name, subtype):
    """Write 0.5 s of a tone and noise, and return the bytes; None where libsndfile cannot."""
    path = folder / f"good.{ending}"
    t = np.arange(SR // 2) / SR
    noise = np.random.RandomState(0).uniform(-0.2, 0.2, len(t))
    y = 0.5 * np.sin(2 * np.pi * 440 * t) + noise
    sr = 24000 if subtype == "OPUS" else 8000 if subtype in ("ALAW",) and name == "WVE" else SR
    for channels in (2, 1):
        try:
            sf.write(path, np.stack([y] * channels, axis=1), sr, format=name, subtype=subtype)
            load_audio(path)
        except (sf.LibsndfileError, ValueError, TypeError):
            continue
        return path.read_bytes()
    return None


def corrupt(data, rng, rounds):
    """Yield (how, broken bytes) of a good file."""
    head = min(len(data), HEADER)
    for n in sorted({*range(0, head, max(head // (4 * rounds), 1)), 1, 2, 3, 4, 12}):
        yield "cut in the header", data[:n]
    for _ in range(rounds):
        yield "cut", data[: rng.randint(len(data))]
        broken = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            broken[rng.randint(len(data))] ^= 1 << rng.randint(8)
        yield "flipped bits", bytes(broken)
        broken = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randint(head)] ^= 1 << rng.randint(8)
        yield "flipped bits in the header", bytes(broken)
        broken = bytearray(data)
        size = int(rng.choice([2, 4, 8]))
        number = EXTREMES[rng.randint(len(EXTREMES))] % 256**size
        at = rng.randint(max(head - size, 1))
        broken[at : at + size] = number.to_bytes(size, str(rng.choice(["little", "big"])))
        yield "lying header", bytes(broken)
        at = rng.randint(len(data))
        yield "a piece missing", data[:at] + data[at + rng.randint(1, 3000) :]
        yield "a piece too much", data[:at] + rng.bytes(rng.randint(1, 3000)) + data[at:]
        yield "zeros in place", data[:at] + bytes(len(data[at : at + 2000])) + data[at + 2000 :]


def strange_files(folder, good):
    """Yield (how, path) of what is not a broken file but a strange one."""
    for ending in ("mp3", "flac", "ogg", "txt", "raw", "au", "gsm", "vox", "sd2", ""):
        path = folder / f"wrong ending.{ending}"
        path.write_bytes(good)
        yield "wrong ending", str(path)
    for name in (
        "söng 曲 🎵.wav",
        "new\nline.wav",
        " .wav",
        "-rf.wav",
        os.fsdecode(b"\xff\xfe.wav"),
    ):
        Path(folder, name).write_bytes(good)
        yield "strange name", str(folder / name)
    (folder / "hollow.wav").touch()
    (folder / "folder.wav").mkdir()
    (folder / "broken link.wav").symlink_to("nowhere.wav")
    (folder / "circle.wav").symlink_to("circle.wav")
    (folder / "forbidden.wav").write_bytes(good)
    (folder / "forbidden.wav").chmod(0)
    os.mkfifo(folder / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.wav"))
    for name in ("hollow", "folder", "broken link", "circle", "forbidden", "pipe", "socket"):
        yield name, str(folder / f"{name}.wav")
    for device in ("/dev/zero", "/dev/null", "/dev/random", "/dev/tty"):
        yield "device", device
    for path in ("a\0b.wav", "", "x" * 5000, "\ud800.wav"):
        yield "impossible path", path


def read(path, duration):
    """Return what became of a file: an outcome, its detail, and the peak memory in GiB."""
    with warnings.catch_warnings(record=True) as caught, tempfile.TemporaryFile() as said:
        warnings.simplefilter("always")
        saved = os.dup(2)
        os.dup2(said.fileno(), 2)
        try:
            outcome, detail = judge(path, duration)
        finally:
            os.dup2(saved, 2)
            os.close(saved)
        said.seek(0)
        words = said.read().decode(errors="replace")
    if caught or words:
        outcome, detail = "noise", f"{[str(w.message) for w in caught]} {words!r}"
    return outcome, detail, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def judge(path, duration):
    """Read a file and return (outcome, detail)."""
    try:
        y = load_audio(path, sr=SR, duration=duration)
    except AudioError as error:
        if list(error.failures) != [path] or not all(error.failures.values()):
            return "wrong", f"the error names {error.failures}"
        return "AudioError", ""
    except BaseException as error:
        return "wrong", repr(error)
    if y.dtype != np.float32 or y.ndim != 1 or not len(y) or not np.isfinite(y).all():
        return "wrong", f"{y.dtype} {y.shape}"
    if duration is not None and len(y) > duration * SR + 1:
        return "wrong", f"{len(y)} samples for {duration} s"
    return "array", ""


class Tally:
    """Reads files in a worker and counts what became of them."""

    columns = (
        "files",
        "array",
        "AudioError",
        "wrong",
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

    def add(self, group, how, path, duration=None):
        try:
            outcome, detail, memory = self.workers.run(read, path, duration, timeout=TIMEOUT)
        except WorkerError as error:
            outcome = "hang" if "within" in str(error) else "crash"
            detail, memory = str(error), 0
        counts = self.counts.setdefault(group, Counter())
        counts["files"] += 1
        counts[outcome] += 1
        if how == "cut":
            counts["cuts"] += 1
            counts["cuts read"] += outcome == "array"
        self.memory[group] = max(self.memory[group], memory)
        if outcome not in ("array", "AudioError") or memory > MEMORY_LIMIT:
            self.odd.append((group, how, outcome, detail, round(memory, 2)))
        return outcome

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
        wav = write_good(folder, "wav", "WAV", "PCM_16")
        for how, path in strange_files(folder, wav):
            tally.add("strange", how, path)
        for ending, container, subtype in formats():
            good = write_good(folder, ending, container, subtype)
            if good is None:
                continue
            path = folder / f"broken.{ending}"
            for i, (how, data) in enumerate(corrupt(good, rng, args.rounds)):
                path.write_bytes(data)
                duration = 0.25 if i % 4 == 3 and how != "cut" else None
                tally.add(f"{container} {subtype}", how, str(path), duration)
    print(
        f"{describe_machine('soundfile', 'soxr')}, libsndfile {sf.__libsndfile_version__}, "
        f"{time.perf_counter() - start:.0f} s"
    )
    print(tally.table().to_string())
    print(f"{len(tally.odd)} files gave neither an array nor an AudioError, or took much memory")
    for row in tally.odd:
        print(*row, sep=" | ")


if __name__ == "__main__":
    # as a module of that name, so that a worker can import what it is to run
    import corruption

    corruption.main()
