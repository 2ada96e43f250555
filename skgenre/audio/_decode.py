import os
import re
import stat
from contextlib import contextmanager

import numpy as np
import soundfile as sf
import soxr

from ._errors import AudioError
from ._stderr import decoder_messages

# Limits on what a header may announce. They are checked before anything is allocated, so that a
# damaged or lying header cannot take the machine's memory.
MAX_CHANNELS = 64
MIN_SAMPLE_RATE = 1000
MAX_SAMPLE_RATE = 768_000

# Samples, over all channels, that are decoded at once: 16 MiB of them.
BLOCK_SAMPLES = 2**22

# Chunks whose announced size libsndfile compares with the file in its log. Writers that stream
# announce 0xFFFFFFFF or the like because they cannot know the size.
_SIZE_MISMATCH = re.compile(
    r"^\s*(?:data|Data Size|SSND|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_UNKNOWN_SIZE = 0x7FFFFF00
# What libsndfile answers where a header leaves the length open, as that of a piped FLAC may.
_UNKNOWN_LENGTH = 2**62
_RAW = "raw samples, without a header that says what they are"
_CUT_OGG = "Last page lacks an end-of-stream bit"

# A tag or the first frame of an MPEG stream, or a WAV file that holds one (format 0x55).
_MPEG = re.compile(rb"ID3|\xff[\xe0-\xff]|RIFF.*fmt .{4}\x55\x00", re.DOTALL)
# How files begin that the MPEG decoder is never asked to read; it is the last resort for any other.
_OTHER = re.compile(rb"RIFF|RIFX|RF64|riff|FORM|\.snd|fLaC|OggS|caff")
# What a first MPEG frame holds that says how many follow.
_MPEG_LENGTH = re.compile(rb"Xing|Info|VBRI")


class AudioStream(sf.SoundFile):
    """A file that is decoded from start to end, in silence.

    Attributes
    ----------
    path : str
        The path of the file.
    length_is_estimated : bool
        Whether ``frames`` is a guess from the size of the file, as for an MP3 without a header of
        its own.
    messages : list of str
        What the decoder has complained of so far.
    """

    def __init__(self, name):
        with open(name, "rb", buffering=0) as file:
            head = file.read(512)
            is_mpeg = bool(_MPEG.match(head))
            self._may_be_mpeg = is_mpeg or not _OTHER.match(head)
            if head.startswith(b"ID3"):
                file.seek(10 + _read_synchsafe(head[6:10]))
                head = file.read(512)
            self.length_is_estimated = is_mpeg and not _MPEG_LENGTH.search(head)
        self.messages = []
        self.path = name
        with self._silence():
            # soundfile cannot encode a name that is not valid in the file system's encoding
            super().__init__(name if os.name == "nt" else os.fsencode(name))

    def read(self, *args, **kwargs):
        with self._silence():
            return super().read(*args, **kwargs)

    def seekable(self):
        # soundfile seeks to where it is after every read of a seekable file, which costs time and
        # fails in formats that cannot seek
        return False

    @contextmanager
    def _silence(self):
        if not self._may_be_mpeg:
            yield
            return
        with decoder_messages() as messages:
            yield
        self.messages += messages


def _read_synchsafe(data):
    """Return the number that ID3 writes with seven bits to the byte."""
    number = 0
    for byte in data:
        number = number << 7 | byte & 0x7F
    return number


@contextmanager
def open_audio(path):
    """Open an audio file whose header is plausible; what goes wrong inside is an `AudioError`."""
    name = check_path(path)
    try:
        with AudioStream(name) as file:
            _check_header(file)
            yield file
    except (sf.LibsndfileError, OSError) as error:
        raise AudioError({name: _explain(error)}) from error


def _explain(error):
    text = str(getattr(error, "error_string", error)).rstrip(".")
    if "lost sync" in text:
        return f"truncated or damaged ({text})"
    if text.startswith("File does not exist"):
        text = "neither MPEG nor any other format"  # what libsndfile means, as the file exists
    # libsndfile has no text for an error that its decoders raise half way
    return f"not readable as audio ({text or 'truncated or damaged'})"


def check_path(path):
    """Return the path as a string, once it is known to lead to a file that may hold audio."""
    try:
        name = os.fsdecode(path)
    except TypeError:
        raise AudioError({repr(path): "not a path"}) from None
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        raise AudioError({name: "no such file"}) from None
    if stat.S_ISDIR(status.st_mode):
        raise AudioError({name: "a directory, not an audio file"})
    if not stat.S_ISREG(status.st_mode):
        raise AudioError({name: "a pipe, socket or device, not an audio file"})
    if os.path.splitext(name)[1].lower() == ".raw":
        raise AudioError({name: _RAW})
    if status.st_size == 0:
        raise AudioError({name: "empty file"})
    return name


def _check_header(file):
    if file.format == "RAW":
        # libsndfile takes .gsm, .vox and .au files without a header by their names
        raise AudioError({file.path: _RAW})
    if file.channels > MAX_CHANNELS:
        raise AudioError({file.path: f"{file.channels} channels, over the limit of {MAX_CHANNELS}"})
    if not MIN_SAMPLE_RATE <= file.samplerate <= MAX_SAMPLE_RATE:
        raise AudioError({file.path: f"a sample rate of {file.samplerate} Hz is out of range"})
    if _is_truncated(file):
        raise AudioError({file.path: "truncated: it holds less audio than its header says"})
    if file.frames >= _UNKNOWN_LENGTH:
        raise AudioError({file.path: "its header does not say how long it is"})


def _is_truncated(file):
    log = file.extra_info
    return _CUT_OGG in log or any(
        int(actual) < int(announced) < _UNKNOWN_SIZE
        for announced, actual in _SIZE_MISMATCH.findall(log)
    )


def select(file, offset=0.0, duration=None):
    """Return where a part of a file starts and how long it is, in frames."""
    start = round(offset * file.samplerate)
    n_frames = file.frames - start
    if duration is not None:
        n_frames = min(n_frames, round(duration * file.samplerate))
    if n_frames <= 0:
        raise AudioError({file.path: f"no samples after {offset} s" if offset else "no samples"})
    return start, n_frames


def decode(file, start, n_frames):
    """Yield a part of a file in blocks, float32, (n_frames,) or (n_frames, n_channels)."""
    if start:
        file.seek(start)
    at_once = max(BLOCK_SAMPLES // file.channels, 1)
    is_first = True
    while n_frames:
        n = min(at_once, n_frames)
        if file.subtype == "PCM_16":
            y = file.read(n, dtype="int16").astype(np.float32)
            y *= np.float32(1 / 32768)
        else:
            y = file.read(n, dtype="float32")
        if len(y) < n and not file.length_is_estimated:
            missing = n_frames - len(y)
            raise AudioError({file.path: f"truncated: it ends {missing} samples too soon"})
        if not len(y) and is_first:
            raise AudioError({file.path: "no samples"})
        yield y
        if len(y) < n:
            break
        is_first = False
        n_frames -= n


def mix(blocks):
    """Average the channels of blocks into one."""
    for y in blocks:
        if y.ndim == 2:
            # what overflows here is refused with the samples that were not finite before
            with np.errstate(over="ignore", invalid="ignore"):
                # channel by channel, for a mean along the short axis is many times slower
                y = sum(y.T) / np.float32(y.shape[1])
        yield y


def resampled_length(file, n_frames, sr):
    """Return how many samples `resample` gives of so many frames, by soxr's own rounding."""
    n_samples = int(n_frames / (file.samplerate / sr) + 0.5)
    if not n_samples:
        raise AudioError({file.path: "shorter than one sample"})
    return n_samples


def resample(blocks, file, sr):
    """Resample blocks and check that all samples are finite.

    The filter goes on from block to block: joined, they are the whole resampled at once, sample
    for sample.
    """
    if file.samplerate != sr:
        blocks = _resample(blocks, file.samplerate, sr)
    for y in blocks:
        if file.subtype != "PCM_16" and not np.isfinite(y).all():
            raise AudioError({file.path: "NaN or infinite samples"})
        yield y


def _resample(blocks, native_sr, sr):
    y = next(blocks)
    n_channels = 1 if y.ndim == 1 else y.shape[1]
    stream = soxr.ResampleStream(native_sr, sr, n_channels, dtype="float32", quality="HQ")
    for following in blocks:
        yield stream.resample_chunk(y)
        y = following
    yield stream.resample_chunk(y, last=True)


def regroup(blocks, n_samples, size):
    """Join and cut blocks along their first axis to ``size`` samples each, the last one shorter.

    There may be fewer than ``n_samples`` in all, where that was an estimate. Holds one result and
    one block; a block that is already a result is passed on as it is.
    """
    out, filled = np.empty(0), 0
    for block in blocks:
        while len(block):
            wanted = min(size, n_samples)
            if not filled and len(block) == wanted:
                part, block = block, block[:0]
            else:
                if not filled:
                    out = np.empty((wanted, *block.shape[1:]), dtype=np.float32)
                n = min(wanted - filled, len(block))
                out[filled : filled + n] = block[:n]
                filled, block = filled + n, block[n:]
                if filled < wanted:
                    continue
                part, filled = out, 0
            n_samples -= wanted
            yield part
    if filled:
        yield out[:filled]
