"""What a corpus costs: reading cached features against computing them, and memory at two sizes.

    python benchmarks/corpus.py [--data <folder of genres>] [--songs 100 1000] [--hours 3]

Memory is the peak of what a fresh process holds for itself, beside the libraries' own; pages of a
memory-mapped file belong to the system and are not counted.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from skgenre import MelSpectrogramTransformer, MFCCSegmenter, load_audio
from skgenre.datasets import load_genre_folder, make_genre_clips

SR, SECONDS, N_CLIPS = 22050, 30, 8
MEL = "MelSpectrogramTransformer(n_jobs=2)"

MEASURE_MEMORY = """
import re, sys, threading, time
import numpy as np
from skgenre import MFCCSegmenter, MelSpectrogramTransformer
transformer, paths, out = {transformer}, {paths!r} * {repeats}, {out}
transformer.fit_transform([np.zeros(22050 * 30, dtype=np.float32)])
def held():
    return int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) / 1024
before, peak, done = held(), 0.0, False
def watch():
    global peak
    while not done:
        peak = max(peak, held())
        time.sleep(0.005)
watcher = threading.Thread(target=watch)
watcher.start()
result = transformer.transform(paths, out=out)
done = True
watcher.join()
print(peak - before)
"""


def measure_cache(files, rounds):
    """Compare a first pass and later ones, in seconds a song."""
    rows = []
    for kind, paths in files.items():
        for transformer in (MelSpectrogramTransformer(), MFCCSegmenter()):
            computing: list = []
            reading: list = []
            transformer.transform(paths)
            for _ in range(rounds):
                with tempfile.TemporaryDirectory() as cache:
                    cached = type(transformer)(cache=cache)
                    cached.transform(paths)
                    for seconds, contender in ((computing, transformer), (reading, cached)):
                        start = time.perf_counter()
                        result = contender.transform(paths)
                        seconds.append(time.perf_counter() - start)
                    np.testing.assert_array_equal(result, transformer.transform(paths))
            own, other = np.median(reading), np.median(computing)
            rows.append(
                {
                    "features": type(transformer).__name__,
                    "files": kind,
                    "computing (ms a song)": 1000 * other / len(paths),
                    "cached (ms a song)": 1000 * own / len(paths),
                    "times faster": other / own,
                }
            )
    return pd.DataFrame(rows)


def peak_memory(transformer, paths, repeats=1, out="None"):
    script = MEASURE_MEMORY.format(transformer=transformer, paths=paths, repeats=repeats, out=out)
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return float(run.stdout)


def measure_corpora(paths, sizes, folder):
    """Peak memory in MB of a corpus in memory and in a memory-mapped file."""
    rows = []
    for size in sizes:
        file = str(Path(folder, f"{size}.npy"))
        shape = (size, 128, 1292)
        mapped = f"np.lib.format.open_memmap({file!r}, 'w+', 'float16', {shape})"
        rows.append(
            {
                "songs": size,
                "mel spectrograms (MB)": np.prod(shape) * 4 / 2**20,
                "in memory": peak_memory(MEL, paths, size // len(paths)),
                "with out=": peak_memory(MEL, paths, size // len(paths), mapped),
            }
        )
        Path(file).unlink()
    return pd.DataFrame(rows)


def write_long_file(path, clips, hours):
    """Write stereo at 44.1 kHz, the clips over and over."""
    minute = np.resize(np.concatenate(clips), 60 * 44100)
    with sf.SoundFile(path, "w", 44100, 2) as file:
        for _ in range(round(hours * 60)):
            file.write(np.stack([minute, minute[::-1]], axis=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of genres; invented songs if left out")
    parser.add_argument("--songs", type=int, nargs=2, default=[96, 960])
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    if args.data:
        sources = load_genre_folder(args.data).paths
        sources = sources[:: max(1, len(sources) // N_CLIPS)][:N_CLIPS]
        clips = [np.resize(load_audio(path, sr=SR), SR * SECONDS) for path in sources]
    else:
        clips = list(make_genre_clips(N_CLIPS, duration=SECONDS, sr=SR, random_state=0)[0])
    with tempfile.TemporaryDirectory() as folder:
        files: dict = {}
        for kind in ("wav", "flac", "mp3"):
            files[kind] = [str(Path(folder, f"{i}.{kind}")) for i in range(len(clips))]
            for path, clip in zip(files[kind], clips, strict=True):
                sf.write(path, clip, SR)
        cache = measure_cache(files, args.rounds)
        print(cache.to_string(index=False, float_format="{:.3g}".format), end="\n\n")
        corpora = measure_corpora(files["wav"], args.songs, folder)
        print("Peak memory in MB, two workers:")
        print(corpora.to_string(index=False, float_format="{:.0f}".format), end="\n\n")
        long_file = str(Path(folder, "long.wav"))
        write_long_file(long_file, clips, args.hours)
        segmenter = "MFCCSegmenter(duration=None, n_segments=None, segment_duration=3.0)"
        peak = peak_memory(segmenter, [long_file])
        print(f"{args.hours:g} hours of stereo at 44.1 kHz to MFCC of 3 s segments: {peak:.0f} MB")


if __name__ == "__main__":
    main()
