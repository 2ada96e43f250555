import hashlib
from dataclasses import dataclass, field

import numpy as np

from ._decode import decode, mix, open_audio, resample, select
from ._errors import AudioError
from ._fingerprint import SAMPLE_RATE, compute_fingerprint

# -60 dBFS: what never rises above it is silence.
SILENCE = 1e-3
_SILENCE_FRAME = 0.1

# The fault that a reason of `load_audio` stands for; any other is "unreadable".
_FAULTS = {
    "truncated": "truncated",
    "empty file": "empty",
    "no samples": "empty",
    "shorter than one sample": "empty",
    "NaN": "nan",
}

# Said of an MP3 that is larger than its header says, as by tags after the music. One that is
# smaller is truncated.
_ADDED = "Xing stream size"


@dataclass
class Examination:
    """What is known of a file after it was decoded once, or why it could not be.

    Attributes
    ----------
    error : tuple of (str, str) or None
        The fault for which `load_audio` refuses the file, and the reason it gives.
    complaint : str
        What the decoder complained of first.
    """

    error: tuple | None = None
    complaint: str = ""
    sample_rate: int = 0
    duration: float = 0.0
    silent: float = 0.0
    clipped: float = 0.0
    dc: float = 0.0
    digest: bytes = b""
    fingerprint: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint32))


def examine(path):
    """Decode a file in blocks and return its `Examination`. A bad file is no error."""
    found = Examination()
    file = None
    try:
        with open_audio(path) as file:
            found.sample_rate = file.samplerate
            start, n_frames = select(file)
            level = _Level(file)
            digest = hashlib.sha256(f"{file.samplerate} {file.channels}".encode())
            blocks = _watch(decode(file, start, n_frames), level.add, digest.update)
            found.fingerprint = compute_fingerprint(resample(mix(blocks), file, SAMPLE_RATE))
            found.duration = level.n_samples / file.channels / file.samplerate
            found.silent, found.clipped, found.dc = level.summary()
            found.digest = digest.digest()
    except AudioError as error:
        (reason,) = error.failures.values()
        faults = (fault for start, fault in _FAULTS.items() if reason.startswith(start))
        found.error = next(faults, "unreadable"), reason
    if file is not None:
        complaints = (message for message in file.messages if _ADDED not in message)
        found.complaint = next(complaints, "")
    return found


def _watch(blocks, *watchers):
    for block in blocks:
        for watch in watchers:
            watch(block)
        yield block


class _Level:
    """Statistics of a waveform that comes in blocks, over all its channels."""

    def __init__(self, file):
        self.frame = max(round(_SILENCE_FRAME * file.samplerate), 1)
        self.n_frames = self.n_silent = self.n_samples = 0
        self.sum = np.zeros(file.channels)
        # for the highest and the lowest sample: its value, and how many of the samples continue
        # a run of at least three of it
        self.highest = (0.0, 0)
        self.lowest = (0.0, 0)

    def add(self, y):
        y = y.reshape(len(y), -1)
        with np.errstate(over="ignore", invalid="ignore"):
            self.sum += y.sum(axis=0, dtype=np.float64)
        starts = np.arange(0, len(y), self.frame)
        high = np.maximum.reduceat(y, starts).max(axis=1)
        low = np.minimum.reduceat(y, starts).min(axis=1)
        peaks = np.maximum(high, -low)
        self.n_frames += len(peaks)
        self.n_silent += int(np.count_nonzero(peaks < SILENCE))
        self.n_samples += y.size
        self.highest = _count_runs(y, high.max(), self.highest)
        # negated, so that the lowest is a highest too
        self.lowest = _count_runs(-y, -low.min(), self.lowest)

    def summary(self):
        """Return the share of silence, the share of clipped samples and the DC offset."""
        clipped = sum(n for level, n in (self.highest, self.lowest) if level > SILENCE)
        offset = self.sum[np.abs(self.sum).argmax()] / (self.n_samples / len(self.sum))
        return self.n_silent / self.n_frames, clipped / self.n_samples, float(offset)


def _count_runs(y, level, before):
    if level < before[0]:
        return before
    at_level = y == level
    n = np.count_nonzero(at_level[2:] & at_level[1:-1] & at_level[:-2])
    return (float(level), n + (before[1] if level == before[0] else 0))
