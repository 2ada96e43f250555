"""The features of more songs than memory, or one machine, can take."""

import os
from collections import deque
from collections.abc import Mapping, Set
from contextlib import closing
from functools import partial
from itertools import chain
from numbers import Integral
from operator import itemgetter
from typing import NamedTuple

from sklearn.base import clone
from sklearn.utils import Bunch
from sklearn.utils._param_validation import Interval, validate_params

from .._names import join_some, printable, without_secrets
from .._progress import track
from .._workers import LostTaskError, count_processes, run_tasks
from ..audio import AudioError, load_audio
from ..audio._errors import OutOfReachError
from ..audio._files import as_seen_from_anywhere, is_seen_by_others
from ._base import BaseClipTransformer
from ._corpus_store import CorpusStore

# Of a song, to see whether it can be had.
_SECONDS_TRIED = 0.1
# Of a chunk, in a message.
_MOST_NAMED = 5


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
    """Compute the features of any number of songs and store them on disk, in a zarr store.

    Songs are processed in chunks, and each finished chunk is stored. If you stop a run, call the
    function again with the same arguments to continue it. If a worker dies, only its current chunks
    are computed again. Apart from the paths, memory use does not grow with the number of songs. See
    :doc:`/guide/extraction`.

    Parameters
    ----------
    transformer : MelSpectrogramTransformer, MFCCSegmenter or another one of clips
        The transformer, with settings that give all songs features of the same shape: a
        ``duration``, and ``n_segments`` if it cuts songs. Its ``n_jobs`` is the number of processes
        on this machine, unless there is a ``client``. ``on_error`` and ``verbose`` are ignored.
    paths : sequence of str or path-like
        The songs. Workers on other machines need to see them under the same paths.
    out : str or path-like
        The folder of the store. Workers write to it, so other machines need to see it, too. An
        unfinished store is continued. Only one run at a time may write to a store.
    client : distributed.Client, default=None
        Dask client of the cluster to compute on. ``None`` computes on this machine, regardless of
        joblib's backend.
    chunk : int, default=64
        Number of songs to compute and store together. A lost worker loses as many, and each chunk
        takes three files.
    verbose : int, default=0
        If above 0, show a progress bar with songs per second and the remaining time.

    Returns
    -------
    corpus : :class:`~sklearn.utils.Bunch`
        Dictionary-like object, with the following attributes.

        features : zarr.Array of shape (n_songs, ...), dtype float32
            The features in the order of ``paths``; NaN for songs that could not be read. Only the
            part that you index, such as ``features[:100]``, is read from disk.
        errors : dict of str to str
            The reasons why songs could not be read, by path. Songs that the network or a server
            did not give are tried again by the next call with the same arguments.

    Raises
    ------
    OSError
        If the store cannot be written, for example because the disk is full or, after three tries,
        because a remote store fails. Once it can be, call the function again to continue.
    RuntimeError
        If the worker of a chunk died twenty times in a row. The message names the songs. Set the
        transformer's ``timeout`` to read each file in a process that may crash.
    TypeError
        If ``paths`` is not a sequence of paths.
    ValueError
        If ``paths`` is empty; if ``out`` is a file, a damaged store, or a store with features of
        other songs, parameters or library versions; if the features of songs differ in shape; or if
        songs or the store are in ``memory://``, which other processes do not see.

    See Also
    --------
    MelSpectrogramTransformer : Its ``transform(X, out=...)`` fills a single array.

    Notes
    -----
    The store is a zarr group of four arrays: ``features``, ``errors`` (the reasons, or "" for songs
    that were read), ``paths`` and ``state`` (0 for songs not yet processed, 1 for read, 2 for
    unreadable, 3 for songs that the network or a server did not give). A run that was interrupted
    gives the same bytes as one that was not.

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
    paths, n_jobs, chunk = _check_paths(paths), transformer.n_jobs, int(chunk)
    transformer._validate_params()
    if client is not None or count_processes(n_jobs) > 1:
        _check_seen_by_workers(paths, out)
    reading = {"on_error": "nan", "n_jobs": None, "verbose": 0}
    transformer = clone(transformer).set_params(**reading).fit(paths)
    transformer._check_one_shape("extract_corpus")
    store = CorpusStore.begin(out, transformer, paths, chunk)
    missing, n_done = store.find_missing()
    results = run_tasks(
        partial(_extract_chunk, transformer, store.out),
        (
            # workers may stand in another folder
            _Chunk(i, tuple(map(as_seen_from_anywhere, paths[i * chunk : (i + 1) * chunk])), lost)
            for i, lost in missing
        ),
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
        count=itemgetter(1),
    )
    with closing(results), closing(tracked):
        try:
            deque(tracked, maxlen=0)
        except LostTaskError as error:
            names = [without_secrets(printable(path)) for path in error.task.paths]
            raise RuntimeError(f"{error}, which reads {join_some(names, _MOST_NAMED)}") from error
    return Bunch(features=store.group["features"], errors=store.read_errors(paths))


class _Chunk(NamedTuple):
    number: int
    paths: tuple
    # the numbers, within the chunk, of songs that were out of reach in an earlier run
    lost: list


def _extract_chunk(transformer, out, chunk):
    """Write the features of a chunk, on a worker, and return how many songs it has."""
    paths = list(chunk.paths)
    if chunk.lost and all(_is_out_of_reach(paths[i], transformer.timeout) for i in chunk.lost):
        return len(paths)
    # all of them: what a net gives for a song depends, in the last digits, on those beside it
    features = transformer._allocate(len(paths))
    failures, _ = transformer._fill(features, paths)
    CorpusStore(out).write(chunk.number, features, failures, is_again=bool(chunk.lost))
    return len(paths)


def _is_out_of_reach(path, timeout):
    """Tell whether the server of a song still does not give it."""
    try:
        load_audio(path, duration=_SECONDS_TRIED, timeout=timeout)
    except AudioError as error:
        return isinstance(error, OutOfReachError)
    return False


def _check_seen_by_workers(paths, out):
    for i, place in enumerate(chain([out], paths)):
        if not is_seen_by_others(place):
            name = f"paths[{i - 1}]" if i else "out"
            raise ValueError(
                f"{name} is in memory://, which no other process sees; set n_jobs=1 and give no "
                "client, or take files"
            )


def _check_paths(paths):
    if isinstance(paths, Mapping | Set) or getattr(paths, "ndim", 1) != 1:
        raise TypeError(f"paths must be a sequence of paths, got {type(paths).__name__}")
    paths = list(paths)
    if not paths:
        raise ValueError("paths is empty; give the path of one song at least")
    for i, path in enumerate(paths):
        if not isinstance(path, str | bytes | os.PathLike):
            raise TypeError(f"paths[{i}] must be the path of a song, got {type(path).__name__}")
    return [os.fsdecode(path) for path in paths]
