from contextlib import closing, contextmanager

import numpy as np
import soxr

from ._containers import is_of_libsndfile, is_really_empty
from ._errors import NO_MEMORY, AudioError, UnknownFormatError
from ._files import open_file
from ._libsndfile import SndfileDecoder

# Limits on what a header may announce. They are checked before anything is allocated, so that a
# damaged or lying header cannot take the machine's memory.
MAX_CHANNELS = 64
MIN_SAMPLE_RATE = 1000
MAX_SAMPLE_RATE = 768_000

# Samples, over all channels, that are decoded at once: 16 MiB of them.
BLOCK_SAMPLES = 2**22

# The share of the loudest channel's power below which the mean of the channels has lost the music,
# and of which samples that is measured.
_CANCELLED = 0.01
_POWER_STEP = 7


@contextmanager
def open_audio(path, *, is_strict=False):
    """Open an audio file with the decoder that knows it; what goes wrong is an `AudioError`.

    Parameters
    ----------
    path : str or path-like
        The audio file.
    is_strict : bool, default=False
        Ask FFmpeg for all that it complains of; for processes of our own.

    Yields
    ------
    decoder : SndfileDecoder or FFmpegDecoder
        What reads the file from its start to its end.
    """
    with open_file(path) as file, closing(_choose(file, is_strict)) as decoder:
        check_header(decoder)
        try:
            yield decoder
        except decoder.errors as error:
            raise AudioError({file.name: decoder.explain(error)}) from error
        except MemoryError:
            raise AudioError({file.name: NO_MEMORY}) from None


def _choose(file, is_strict):
    """Return the decoder of a file: libsndfile's, or FFmpeg's for all that it does not read."""
    from_sndfile = None
    if is_of_libsndfile(file):
        try:
            decoder = SndfileDecoder(file)
        except UnknownFormatError as error:
            from_sndfile = error
        else:
            if decoder.frames or (decoder.frames == 0 and is_really_empty(file)):
                return decoder
            decoder.close()
    from ._ffmpeg import FFmpegDecoder

    try:
        return FFmpegDecoder(file, is_strict)
    except UnknownFormatError as error:
        reason = f"not readable as audio ({from_sndfile or error})"
        raise AudioError({file.name: reason}) from None


def check_header(decoder):
    """Refuse what no music has, and what a header says against its file."""
    if decoder.channels > MAX_CHANNELS:
        reason = f"{decoder.channels} channels, over the limit of {MAX_CHANNELS}"
        raise AudioError({decoder.path: reason})
    if not MIN_SAMPLE_RATE <= decoder.samplerate <= MAX_SAMPLE_RATE:
        reason = f"a sample rate of {decoder.samplerate} Hz is out of range"
        raise AudioError({decoder.path: reason})
    decoder.check()


def expected_frames(decoder, offset, duration):
    """Return how many frames of a part will be read at most, None if nothing says."""
    limits = []
    if decoder.frames is not None and not decoder.reads_through:
        limits.append(max(decoder.frames - round(offset * decoder.samplerate), 0))
    if duration is not None:
        limits.append(round(duration * decoder.samplerate))
    return min(limits, default=None)


def decode(decoder, offset=0.0, duration=None, sr=0):
    """Yield a part of a file in blocks, float32, (n_frames,) or (n_frames, n_channels).

    Blocks are smaller where they will be resampled to a much higher ``sr``.
    """
    n_left = np.inf if duration is None else round(duration * decoder.samplerate)
    growth = max(sr / decoder.samplerate, 1)
    at_once = max(int(BLOCK_SAMPLES / decoder.channels / growth), 1)
    decoder.skip(round(offset * decoder.samplerate))
    is_empty = True
    while n_left:
        n = int(min(at_once, n_left))
        y = decoder.read(n)
        if len(y):
            is_empty = False
            yield y
        if len(y) < n:
            break
        n_left -= n
    if is_empty:
        reason = f"no samples after {offset} s" if offset else "no samples"
        raise AudioError({decoder.path: reason})


class Mixer:
    """Averages the channels of blocks into one.

    Channels that are each other's opposite would leave nothing, and then the loudest is taken in
    their place. The first block that is not silent decides.

    Attributes
    ----------
    channel : int or None
        The channel that is taken in place of the mean.
    """

    def __init__(self):
        self.channel = None
        self._is_decided = False

    def mix(self, blocks):
        """Yield blocks of one channel, (n_frames,)."""
        for y in blocks:
            yield self._mix(y) if y.ndim == 2 else y

    def _mix(self, y):
        if y.shape[1] == 1:
            return y[:, 0]
        if self.channel is not None:
            return np.ascontiguousarray(y[:, self.channel])
        # what overflows here is refused with the samples that were not finite before
        with np.errstate(over="ignore", invalid="ignore"):
            # channel by channel, for a mean along the short axis is many times slower
            mean = sum(y.T) / np.float32(y.shape[1])
            if not self._is_decided:
                powers = [_power(channel) for channel in y.T]
                self._is_decided = max(powers) > 0
                if _power(mean) < _CANCELLED * max(powers):
                    self.channel = int(np.argmax(powers))
                    return self._mix(y)
        return mean


def _power(y):
    some = y[::_POWER_STEP]
    return float(np.dot(some, some))


def resample(blocks, decoder, sr):
    """Resample blocks and check that all samples are finite.

    The filter goes on from block to block: joined, they are the whole resampled at once, sample
    for sample.
    """
    if decoder.samplerate != sr:
        blocks = _resample(blocks, decoder.samplerate, sr)
    for y in blocks:
        if not decoder.is_finite and not np.isfinite(y).all():
            raise AudioError({decoder.path: "NaN or infinite samples"})
        yield y


def _resample(blocks, native_sr, sr):
    y = next(blocks)
    n_channels = 1 if y.ndim == 1 else y.shape[1]
    stream = soxr.ResampleStream(native_sr, sr, n_channels, dtype="float32", quality="HQ")
    for following in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(y))
        y = following
    yield stream.resample_chunk(np.ascontiguousarray(y), last=True)


def regroup(blocks, size):
    """Join and cut blocks along their first axis to ``size`` samples each, the last one shorter.

    Holds one result and one block; a block that is already a result is passed on as it is.
    """
    out, filled = np.empty(0), 0
    for block in blocks:
        while len(block):
            if not filled and len(block) == size:
                yield block
                break
            if not filled:
                out = np.empty((size, *block.shape[1:]), dtype=np.float32)
            n = min(size - filled, len(block))
            out[filled : filled + n] = block[:n]
            filled, block = filled + n, block[n:]
            if filled == size:
                yield out
                filled = 0
    if filled:
        yield out[:filled]
