import hashlib
from dataclasses import dataclass, field

import numpy as np

from ._containers import find_files
from ._decode import Mixer, check_header, decode, open_audio, resample
from ._errors import JOINED, AudioError
from ._files import open_file
from ._fingerprint import SAMPLE_RATE, compute_fingerprint

# -60 dBFS: what never rises above it is silence.
SILENCE = 1e-3
# What is flat below this was not cut off by a converter.
NEAR_FULL_SCALE = 0.99
_SILENCE_FRAME = 0.1

# The fault that a reason of `load_audio` stands for; any other is "unreadable".
_FAULTS = {
    "truncated": "truncated",
    "empty file": "empty",
    "no samples": "empty",
    "shorter than one sample": "empty",
    "NaN": "nan",
    JOINED: "joined",
    "its sample rate changes": "joined",
    "its number of channels changes": "joined",
}


@dataclass
class Examination:
    """What is known of a file after it was decoded once, or why it could not be.

    Attributes
    ----------
    error : tuple of (str, str) or None
        The fault for which `load_audio` refuses the file, and the reason it gives.
    complaint : str
        What the decoder complained of first.
    heard_channel : int or None
        The channel that is heard in place of the mean, in which the channels cancel each other.
    n_files : int
        How many files stand one behind the other in it.
    """

    error: tuple | None = None
    complaint: str = ""
    sample_rate: int = 0
    duration: float = 0.0
    silent: float = 0.0
    clipped: float = 0.0
    heard_channel: int | None = None
    n_files: int = 1
    dc: float = 0.0
    digest: bytes = b""
    fingerprint: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.uint32))


def examine(path):
    """Decode a file in blocks and return its `Examination`. A bad file is no error."""
    found, decoder = Examination(), None
    try:
        with open_audio(path, is_strict=True) as decoder:
            _listen(decoder, found)
        with open_file(path) as file:
            found.n_files = len(find_files(file))
    except AudioError as error:
        found.error = _name_fault(error)
    if decoder is not None:
        found.complaint = next(iter(decoder.messages), "")
    return found


def examine_sound(sound):
    """Return the `Examination` of a `Sound`: what that of a file with its samples is."""
    found, decoder = Examination(), sound.open()
    try:
        check_header(decoder)
        _listen(decoder, found)
    except AudioError as error:
        found.error = _name_fault(error)
    return found


def _listen(decoder, found):
    """Note what is known of the samples."""
    found.sample_rate = decoder.samplerate
    level, mixer = _Level(decoder), Mixer()
    digest = hashlib.sha256(f"{decoder.samplerate:g} {decoder.channels}".encode())
    blocks = _watch(decode(decoder), level.add, digest.update)
    heard = _watch(mixer.mix(blocks), level.add_heard)
    found.fingerprint = compute_fingerprint(resample(heard, decoder, SAMPLE_RATE))
    found.duration = level.n_samples / decoder.channels / decoder.samplerate
    found.silent, found.clipped, found.dc = level.summary()
    found.heard_channel = mixer.channel
    found.digest = digest.digest()


def _name_fault(error):
    (reason,) = error.failures.values()
    faults = (fault for start, fault in _FAULTS.items() if reason.startswith(start))
    return next(faults, "unreadable"), reason


def _watch(blocks, *watchers):
    for block in blocks:
        for watch in watchers:
            watch(np.ascontiguousarray(block))
        yield block


class _Level:
    """Statistics of a waveform that comes in blocks: of its channels, and of what is heard."""

    def __init__(self, decoder):
        self.frame = max(round(_SILENCE_FRAME * decoder.samplerate), 1)
        self.n_frames = self.n_silent = self.n_samples = 0
        self.sum = np.zeros(decoder.channels)
        # for the highest and the lowest sample: its value, and how many of the samples continue
        # a run of at least three of it
        self.highest = (0.0, 0)
        self.lowest = (0.0, 0)

    def add(self, y):
        y = y.reshape(len(y), -1)
        with np.errstate(over="ignore", invalid="ignore"):
            self.sum += y.sum(axis=0, dtype=np.float64)
        self.n_samples += y.size
        self.highest = _count_runs(y, y.max(), self.highest)
        # negated, so that the lowest is a highest too
        self.lowest = _count_runs(-y, -y.min(), self.lowest)

    def add_heard(self, y):
        peaks = np.maximum.reduceat(np.abs(y), np.arange(0, len(y), self.frame))
        self.n_frames += len(peaks)
        self.n_silent += int(np.count_nonzero(peaks < SILENCE))

    def summary(self):
        """Return the share of silence, the share of clipped samples and the DC offset."""
        clipped = sum(n for level, n in (self.highest, self.lowest) if level >= NEAR_FULL_SCALE)
        offset = self.sum[np.abs(self.sum).argmax()] / (self.n_samples / len(self.sum))
        return self.n_silent / self.n_frames, clipped / self.n_samples, float(offset)


def _count_runs(y, level, before):
    if level < before[0]:
        return before
    at_level = y == level
    n = np.count_nonzero(at_level[2:] & at_level[1:-1] & at_level[:-2])
    return (float(level), n + (before[1] if level == before[0] else 0))
