import os

import joblib
import numpy as np
import soxr
from joblib import Parallel, delayed
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .._progress import track
from ._clips import find_sound
from ._examine import Examination, examine_sound
from ._faults import examine_isolated
from ._fingerprint import SAMPLE_RATE, compute_fingerprint, find_matches
from ._isolation import Workers


def find_copies(clips, *, sr, n_jobs=None, timeout=120.0, verbose=0):
    """Return a label for each clip, the same for those that hold the same recording.

    Parameters
    ----------
    clips : sequence of clips or arrays
        Audio files, waveforms, samples with their rate or channels, or rows of any kind, which are
        the same only if they are equal.
    sr : int
        Sample rate of waveforms.

    Returns
    -------
    labels : ndarray of shape (n_clips,), dtype int
        Files that cannot be read are like no other.
    """
    with Workers() as workers:

        def look_at(clip, index):
            if isinstance(clip, str | bytes | os.PathLike):
                return examine_isolated(workers, clip, timeout)
            sound = find_sound(clip, index, sr)
            return _examine_array(np.asarray(clip), sr) if sound is None else examine_sound(sound)

        calls = (delayed(look_at)(clip, i) for i, clip in enumerate(clips))
        found = list(
            track(
                Parallel(n_jobs=n_jobs, backend="threading", return_as="generator")(calls),
                total=len(clips),
                description="check_leakage",
                unit="clips",
                verbose=verbose,
            )
        )
    first: dict = {}
    pairs = [
        (first.setdefault(clip.digest, i), i) for i, clip in enumerate(found) if not clip.error
    ]
    unique = sorted({original for original, _ in pairs})
    matches = find_matches([found[i].fingerprint for i in unique])
    pairs += [(unique[a], unique[b]) for a, b in matches]
    rows, columns = np.array(pairs, dtype=int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(len(found), len(found)))
    return connected_components(graph, directed=False)[1]


def _examine_array(clip, sr):
    if clip.dtype.kind == "f" and np.isnan(clip).any():
        return Examination(error=("nan", "NaN samples"))
    found = Examination(digest=joblib.hash(clip).encode())
    if clip.ndim == 1 and clip.dtype.kind in "fiu":
        waveform = soxr.resample(clip.astype(np.float32), sr, SAMPLE_RATE)
        found.fingerprint = compute_fingerprint([waveform])
    return found
