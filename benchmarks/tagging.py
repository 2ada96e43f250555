"""`skgenre tag` on a library of fourteen kinds, killed a hundred times, and all taken back.

    python benchmarks/tagging.py --data <folder of clips> [--kills 100] [--songs 14] [--seed 0]

The clips are copied by the program ffmpeg into MP3 (ID3v2.3, ID3v2.4, ID3v1, none), MP2, FLAC,
Vorbis, Opus, AAC, WMA, WavPack, TTA, AIFF and WAV, with a title and an artist. All of them are
tagged and taken back: the seconds, the size of the journal, and whether every file is the same
again, to the bit. Then `skgenre tag --apply` is killed by `kill -9` at random moments of the time
that it takes, and after each kill every file has to be either as it was or as it is to be, to the
bit; `skgenre tag --undo` has to take all back and to leave no other file behind.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _machine import describe_machine

from skgenre.audio._ffmpeg import hash_packets
from skgenre.datasets._walk import find_songs
from skgenre.tagging import look_at

KINDS = {
    "v23.mp3": ["-id3v2_version", "3"],
    "v24.mp3": ["-id3v2_version", "4"],
    "v1.mp3": ["-write_id3v2", "0", "-write_id3v1", "1"],
    "bare.mp3": ["-write_id3v2", "0"],
    "mp2": [],
    "flac": [],
    "ogg": ["-c:a", "libvorbis"],
    "opus": [],
    "m4a": [],
    "wma": [],
    "wv": [],
    "tta": [],
    "aiff": ["-write_id3v2", "1"],
    "wav": [],
}


def make_library(clips, folder):
    """Copy each clip into the next of the formats, and return the paths."""
    songs = []
    for i, clip in enumerate(clips):
        kind = list(KINDS)[i % len(KINDS)]
        song = folder / f"artist {i // 20} é" / f"{i:03} song.{kind}"
        song.parent.mkdir(exist_ok=True)
        about = ["-metadata", f"title=Söng {i}", "-metadata", f"artist=Artist {i // 20}"]
        command = ["ffmpeg", "-loglevel", "error", "-i", clip, *KINDS[kind], *about, song]
        subprocess.run(command, check=True)
        songs.append(song)
    return songs


def run_skgenre(*arguments):
    command = [sys.executable, "-m", "skgenre", "tag", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def hash_all(songs):
    return [hashlib.sha256(song.read_bytes()).hexdigest() for song in songs]


def hash_sound(song):
    with open(song, "rb") as file:
        return hash_packets(file)


def count_files(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--songs", type=int, default=14)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print(f"$ python benchmarks/tagging.py --data {Path(options.data).name}")
    print(describe_machine("mutagen", "av", "onnxruntime"))
    clips = find_songs(options.data).songs
    clips = rng.sample(clips, min(options.songs, len(clips)))
    with tempfile.TemporaryDirectory() as place:
        library = Path(place, "library")
        library.mkdir()
        songs = make_library(clips, library)
        measure(songs, library, Path(place, "tags.jsonl"), options.kills, rng)


def measure(songs, library, journal, n_kills, rng):
    apply = [library, "--apply", "--min-confidence", "0", "--top", "2", "--journal", journal]
    before, sound = hash_all(songs), list(map(hash_sound, songs))
    times = [song.stat().st_mtime_ns for song in songs]
    n_bytes = sum(song.stat().st_size for song in songs)
    start = time.perf_counter()
    run_skgenre(*apply).communicate()
    seconds = time.perf_counter() - start
    after = hash_all(songs)
    tagged = sum(len(change.old) == 2 for change in look_at(map(str, songs)))
    print(f"{len(songs)} songs of {len(KINDS)} kinds, {n_bytes / 1e6:.0f} MB")
    print(f"tagged with two genres each: {tagged}, in {seconds:.1f} s with hearing them")
    print(f"same sound: {sum(map(lambda song, old: hash_sound(song) == old, songs, sound))}")
    print(f"journal: {journal.stat().st_size / 1e3:.0f} kB")
    start = time.perf_counter()
    run_skgenre("--undo", journal).communicate()
    print(f"taken back in {time.perf_counter() - start:.1f} s")
    print(f"same bytes: {sum(map(str.__eq__, hash_all(songs), before))}")
    now = [song.stat().st_mtime_ns for song in songs]
    print(f"same times: {sum(map(int.__eq__, now, times))}")
    if not n_kills:
        return
    n_runs = n_killed = n_damaged = n_lost = n_left = n_changed = n_aside = 0
    # a run that ends before it is killed shows nothing
    while n_killed < n_kills:
        n_runs += 1
        journal.unlink(missing_ok=True)
        process = run_skgenre(*apply)
        time.sleep(rng.uniform(0, seconds))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        n_killed += process.returncode == -signal.SIGKILL
        now = hash_all(songs)
        n_changed += sum(digest == new for digest, new in zip(now, after, strict=True))
        n_damaged += sum(
            digest not in (old, new) for digest, old, new in zip(now, before, after, strict=True)
        )
        n_aside += count_files(library) - len(songs)
        if journal.exists():
            run_skgenre("--undo", journal).communicate()
        n_lost += sum(map(str.__ne__, hash_all(songs), before))
        n_left += count_files(library) - len(songs)
    print(f"killed {n_killed} times in {n_runs} runs, with {n_changed} files tagged by then")
    print(f"files damaged: {n_damaged}; temporary files that a kill left: {n_aside}")
    print(f"after --undo: files not as they were: {n_lost}; files left behind: {n_left}")


if __name__ == "__main__":
    if shutil.which("ffmpeg") is None:
        sys.exit("The program ffmpeg is needed to make the library")
    main()
