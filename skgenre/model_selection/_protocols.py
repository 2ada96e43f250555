"""How songs are divided to judge a classifier, by name."""

import os
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path

import numpy as np
import soundfile as sf
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, StratifiedShuffleSplit

from ..audio import AudioError, load_audio
from ..audio._clips import find_sound
from ..audio._decode import open_audio
from ..audio._load import load_sound
from ._splits import GTZANFilteredSplit, make_folds, select_clips

# As the report of 2022, which took ten segments of 3 s from each song.
N_SEGMENTS = 10
# A shorter array is no waveform, but features.
_SHORTEST = 1.0


@dataclass(frozen=True)
class Protocol:
    """How to divide songs.

    Attributes
    ----------
    make_splitter : callable
        From a seed to a splitter.
    needs_groups : bool
        Whether it can do nothing without the artists.
    promises_clean : bool
        Whether the same music, or artist, on both sides is an error.
    cuts_segments : bool
        Whether songs are cut in segments first, which no result survives.
    """

    make_splitter: Callable
    needs_groups: bool = False
    promises_clean: bool = False
    cuts_segments: bool = False

    def split(self, X, y, groups, seed):
        """Return a list of (train, test)."""
        if self.needs_groups and groups is None:
            raise ValueError("it keeps artists apart; pass them as groups")
        return make_folds(self.make_splitter(seed), X, y, groups)


def _report(seed):
    return StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)


PROTOCOLS = {
    "leaky-segments": Protocol(_report, cuts_segments=True),
    "report": Protocol(_report),
    "stratified": Protocol(lambda seed: StratifiedKFold(10, shuffle=True, random_state=seed)),
    "artist": Protocol(
        lambda seed: StratifiedGroupKFold(5, shuffle=True, random_state=seed),
        needs_groups=True,
        promises_clean=True,
    ),
    "filtered": Protocol(lambda seed: GTZANFilteredSplit(), promises_clean=True),
}


def resolve(protocols):
    """Return protocols by name, from names and, in a dict, splitters of the user."""
    if isinstance(protocols, str):
        protocols = [protocols]
    if not isinstance(protocols, dict):
        protocols = {name: name for name in protocols}
    found = {}
    for name, given in protocols.items():
        if isinstance(given, str) and given not in PROTOCOLS:
            raise ValueError(f"There is no protocol {given!r}; choose from {', '.join(PROTOCOLS)}")
        found[name] = PROTOCOLS[given] if isinstance(given, str) else _of_user(given)
    if not found:
        raise ValueError("protocols is empty")
    return found


def _of_user(cv):
    """Return the protocol of what scikit-learn takes as ``cv``."""
    if not hasattr(cv, "split"):
        cv = cv if isinstance(cv, Integral) else list(cv)
        return Protocol(lambda seed: cv)

    def make_splitter(seed):
        splitter = copy(cv)
        if getattr(splitter, "random_state", None) is not None:
            splitter.random_state = seed
        return splitter

    return Protocol(make_splitter, promises_clean=isinstance(cv, GTZANFilteredSplit))


@contextmanager
def cut_segments(X, sr):
    """Give the segments of clips as clips of their own, and the row that each was cut from.

    Paths become paths of temporary files; those that cannot be read stay.
    """
    clips = select_clips(X)
    with tempfile.TemporaryDirectory() as folder:
        segments: list = []
        songs: list[int] = []
        for i, clip in enumerate(clips):
            for part in _cut(clip, i, sr, Path(folder, f"{i}")):
                segments.append(part)
                songs.append(i)
        yield segments, np.array(songs)


def _cut(clip, index, sr, stem):
    sound = find_sound(clip, index, sr)
    if sound is not None:
        y = load_sound(sound, sr=sound.samplerate)
        return [(part, sound.samplerate) for part in np.array_split(y, N_SEGMENTS)]
    if not isinstance(clip, str | bytes | os.PathLike):
        waveform = np.asarray(clip)
        if waveform.ndim != 1 or len(waveform) < _SHORTEST * sr:
            raise ValueError(
                f"Segments are cut from paths and from waveforms of at least {_SHORTEST:g} s, got "
                f"an array of shape {waveform.shape}"
            )
        return np.array_split(waveform, N_SEGMENTS)
    try:
        with open_audio(clip) as file:
            sr = file.samplerate
        y = load_audio(clip, sr=sr)
    except AudioError:
        return [clip]
    paths = [f"{stem}.{j}.wav" for j in range(N_SEGMENTS)]
    for path, part in zip(paths, np.array_split(y, N_SEGMENTS), strict=True):
        sf.write(path, part, sr, subtype="FLOAT")
    return paths
