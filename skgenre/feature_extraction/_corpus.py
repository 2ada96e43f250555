"""The features of more songs than memory, or one machine, can take."""

import os
from collections import deque
from contextlib import closing
from functools import partial
from numbers import Integral
from typing import NamedTuple

from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_params

from .._progress import track
from .._workers import LostTaskError, run_tasks
from ._base import BaseClipTransformer
from ._corpus_store import CorpusStore


@validate_params(
    {
        "transformer": [BaseClipTransformer],
        "paths": ["array-like"],
        "out": [str, os.PathLike],
        "chunk": [Interval(Integral, 1, None, closed="left")],
        "verbose": ["verbose"],
    },
    prefer_skip_nested_validation=True,
)
def extract_corpus(transformer, paths, out, *, client=None, chunk=64, verbose=0):
    """Compute the features of any number of songs into a zarr store.

    Songs are read and written in chunks. What is done stays done: the same call goes on where an
    earlier one was interrupted, and a worker that dies costs the chunks it was computing, which
    other workers compute again. The memory of this process does not grow with the number of songs,
    except for their paths.

    Parameters
    ----------
    transformer : MelSpectrogramTransformer, MFCCSegmenter or another one of clips
        It must give all songs features of one shape: set a ``duration``, and ``n_segments`` if it
        cuts songs. ``n_jobs`` is the number of processes on this machine, unless there is a
        ``client``. ``on_error`` and ``verbose`` have no effect.
    paths : sequence of str or path-like
        The songs. Workers on other machines must find them under the same paths.
    out : str or path-like
        The folder of the store. Workers write to it, so those on other machines must see it too.
        A store that an earlier run began is completed. One run at a time may write to a store.
    client : distributed.Client, default=None
        Compute on a Dask cluster.
    chunk : int, default=64
        Songs that are computed and stored together. A lost worker costs as many, and a store has
        three files for each chunk.
    verbose : int, default=0
        Show a progress bar with songs per second and the time left.

    Returns
    -------
    corpus : Bunch
        features : zarr.Array of shape (n_songs, ...), dtype float32
            In the order of ``paths``, NaN for songs that could not be read. It reads from disk what
            it is indexed with, ``features[:100]``.
        errors : dict of str
            Why songs could not be read, by their path.

    Raises
    ------
    OSError
        If the store cannot be written, for example because the disk is full. Once there is room,
        the same call goes on.
    ValueError
        If the store has features of other songs, parameters or versions of the libraries, or if
        the features of songs differ in shape.
    RuntimeError
        If a chunk's worker died twenty times in a row. Its songs are named; with ``timeout`` set,
        the transformer reads each file in a process of its own, which may crash.

    See Also
    --------
    MelSpectrogramTransformer : Its ``transform(X, out=...)`` fills one array in one go.

    Notes
    -----
    The store is a zarr group of four arrays: ``features``, ``errors`` (the reasons, "" for songs
    that were read), ``paths`` and ``state`` (0 for songs to come, 1 for read, 2 for unreadable).
    It has no times in it: a run that was interrupted leaves the same bytes as one that was not.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import soundfile
    >>> from skgenre import MelSpectrogramTransformer, extract_corpus
    >>> from skgenre.datasets import make_genre_clips
    >>> folder = Path(tempfile.mkdtemp())
    >>> X, _ = make_genre_clips(4, n_genres=2, duration=1.0, random_state=0)
    >>> paths = [folder / f"{i}.wav" for i in range(4)]
    >>> for path, waveform in zip(paths, X):
    ...     soundfile.write(path, waveform, 22050)
    >>> mel = MelSpectrogramTransformer(duration=1.0)
    >>> corpus = extract_corpus(mel, paths, folder / "features.zarr", chunk=2)
    >>> corpus.features.shape, corpus.errors
    ((4, 128, 44), {})
    """
    paths = _check_paths(paths)
    n_jobs = transformer.n_jobs
    reading = {"on_error": "nan", "n_jobs": None, "verbose": 0}
    transformer = clone(transformer).set_params(**reading).fit(paths)
    transformer._check_one_shape("extract_corpus")
    store = CorpusStore.begin(out, transformer, paths, chunk)
    missing, n_done = store.find_missing()
    results = run_tasks(
        partial(_extract_chunk, transformer, store.out),
        (_Chunk(i, tuple(paths[i * chunk : (i + 1) * chunk])) for i in missing),
        n_jobs=n_jobs,
        client=client,
    )
    tracked = track(
        results,
        total=len(paths),
        description="extract_corpus",
        unit="songs",
        verbose=verbose,
        done=n_done,
        count=int,
    )
    try:
        with closing(results), closing(tracked):
            deque(tracked, maxlen=0)
    except LostTaskError as error:
        raise RuntimeError(f"The features of some songs cannot be computed: {error}") from error
    return Bunch(features=store.group["features"], errors=store.read_errors(paths))


class _Chunk(NamedTuple):
    number: int
    paths: tuple


def _extract_chunk(transformer, out, chunk):
    """Write the features of a chunk, on a worker, and return how many songs it has."""
    paths = list(chunk.paths)
    features = transformer._allocate(len(paths))
    failures, _ = transformer._fill(features, paths)
    CorpusStore(out).write(chunk.number, features, [failures.get(i, "") for i in range(len(paths))])
    return len(paths)


def _check_paths(paths):
    paths = list(paths)
    if not paths:
        raise ValueError("paths is empty; give the path of one song at least")
    for i, path in enumerate(paths):
        if not isinstance(path, str | bytes | os.PathLike):
            raise TypeError(f"paths[{i}] must be the path of a song, got {type(path).__name__}")
    return paths
