"""Songs of any number, for benchmarks, and the bytes of their stores."""

import os
import time
from pathlib import Path
from typing import NamedTuple

import soundfile as sf

from skgenre import extract_corpus
from skgenre.datasets import make_genre_clips

SR = 22050


def make_clips(folder, duration, ending="wav", n_clips=200):
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
    folder.mkdir(parents=True)
    links = [str(folder / f"{i:06}{Path(paths[i % len(paths)]).suffix}") for i in range(n_songs)]
    for i, name in enumerate(links):
        os.link(paths[i % len(paths)], name)
    return links


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


class Corpus(NamedTuple):
    """What goes into a store."""

    transformer: object
    paths: list
    chunk: int

    def extract(self, out, **where):
        """Fill the store, and return how many seconds it took."""
        return seconds_of(
            lambda: extract_corpus(self.transformer, self.paths, out, chunk=self.chunk, **where)
        )

    @property
    def n_chunks(self):
        return -(-len(self.paths) // self.chunk)

    def n_done(self, out):
        """Return how many chunks a store has, from its files."""
        return sum(1 for _ in Path(out, "state").glob("c/*"))


def read_all(folder):
    """Return the bytes of each file of a folder, by its name there."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in Path(folder).rglob("*")
        if path.is_file()
    }


def compare(folder, expected):
    """Say whether the files of two folders are equal."""
    return "equal" if read_all(folder) == read_all(expected) else "NOT EQUAL"
