from functools import partial

import numpy as np

from .._names import is_remote
from ._decode import Mixer, check_header, decode, expected_frames, open_audio, regroup, resample
from ._errors import NO_MEMORY, AudioError, OutOfReachError
from ._files import as_seen_from_anywhere, check_path, is_seen_by_others
from ._isolation import TooLateError, WorkerError, check_timeout, run_isolated

# What may be held at once, as samples of the result.
MAX_DECODED_BYTES = 2**30


def load_audio(path, *, sr=22050, offset=0.0, duration=None, mono=True, timeout=None):
    """Read an audio file as a float32 waveform at a given sample rate.

    Reads WAV, AIFF, FLAC, AU, CAF and the other formats of libsndfile, and through FFmpeg MP3, Ogg,
    Opus, M4A (AAC and ALAC), WMA, WebM, APE, WavPack, AC-3 and the audio track of MP4, Matroska and
    AVI files. Any sample rate, sample width and number of channels will do. Only the part you ask
    for is decoded.

    Parameters
    ----------
    path : str or path-like
        The audio file, or its address, such as ``"s3://bucket/song.mp3"`` or ``"https://..."``.
        fsspec downloads it to a temporary file, and tries again when the network fails. Install
        ``skgenre[remote]`` for these.
    sr : int, default=22050
        Sample rate of the returned waveform, in Hz. Files with another rate are resampled with
        soxr's high-quality resampler.
    offset : float, default=0.0
        Where to start reading, in seconds.
    duration : float, default=None
        How much to read, in seconds. ``None`` reads to the end. If the file ends sooner, you get
        what there is.
    mono : bool, default=True
        Average the channels into one. If they cancel each other out, the loudest channel is
        returned instead.
    timeout : float, default=None
        Read the file in a separate process and give up after this many seconds. A file that hangs
        or crashes the decoder then raises an `AudioError`. ``None`` reads in the current process,
        and so does an address of ``memory://``, which other processes do not see.

    Returns
    -------
    y : ndarray of shape (n_samples,) or (n_channels, n_samples), dtype float32
        The waveform, with full scale from -1 to 1. It has one dimension if ``mono`` is true.

    Raises
    ------
    AudioError
        If the file is missing, a directory or a device, not audio, truncated, empty, larger than
        1 GiB once decoded, or holds NaN or infinite samples; if a remote file is larger than 1 GiB,
        changes while it is downloaded, or takes more than five minutes; with a ``timeout``, also if
        the decoder crashed or took too long. The message names the file and the reason.
    ValueError
        If ``sr``, ``offset``, ``duration`` or ``timeout`` is out of range.

    See Also
    --------
    read_blocks : Reads a long file block by block.
    find_faults : Lists what is wrong with many files.
    librosa.load : Returns the same numbers.

    Notes
    -----
    16-bit files are read as integers and then scaled, which is several times faster than
    libsndfile's own conversion and gives the same numbers. The silence that encoders add at the
    start and end is removed.

    MP3, Ogg, Matroska and AC-3 files that were joined end to end are read to the end. In other
    formats, a file with a second file appended is refused. So is a file whose sample rate or number
    of channels changes midway.

    Truncation is detected in formats that store their length: WAV, AIFF, AU, CAF, W64, RF64, FLAC,
    Ogg, Opus, M4A, MP4, Matroska, WebM, WMA, FLV, WavPack, APE, TTA, and MP3 with a Xing, Info or
    VBRI header. Other MP3 files, and AAC, AC-3, AMR, MPEG and RealMedia streams, fragmented MP4,
    AVR, IRCAM, MAT, NIST, PAF, PVF, SDS, SVX, VOC, WVE and XI return the part that is there.
    Flipped bits in uncompressed samples cannot be detected. Packets that cannot be decoded are
    skipped, as the ``ffmpeg`` program does; `find_faults` reports them as ``damaged``.

    Examples
    --------
    >>> import numpy as np, soundfile as sf, tempfile, os
    >>> from skgenre.audio import load_audio
    >>> path = os.path.join(tempfile.mkdtemp(), "tone.wav")
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    >>> sf.write(path, tone, 44100)
    >>> load_audio(path, duration=0.5).shape
    (11025,)
    """
    _check_parameters(sr, offset, duration)
    if timeout is not None:
        check_timeout(timeout)
    if timeout is not None and is_seen_by_others(path):
        return _load_isolated(check_path(path), sr, offset, duration, mono, timeout)
    with open_audio(path) as decoder:
        return _load(decoder, sr, offset, duration, mono)


def load_sound(sound, *, sr, duration=None):
    """Return a `Sound` as `load_audio` would a file of it."""
    decoder = sound.open()
    check_header(decoder)
    return _load(decoder, sr, 0.0, duration, mono=True)


def _load(decoder, sr, offset, duration, mono):
    blocks = list(_read(decoder, sr, offset, duration, mono, np.inf))
    y = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if not len(y):
        raise AudioError({decoder.path: "shorter than one sample"})
    return np.ascontiguousarray(y.T[0] if y.shape[1:] == (1,) else y.T)


def _load_isolated(name, sr, offset, duration, mono, timeout):
    # the worker may stand in another folder
    load = partial(load_audio, sr=sr, offset=offset, duration=duration, mono=mono)
    try:
        return run_isolated(load, as_seen_from_anywhere(name), timeout=timeout)
    except WorkerError as error:
        is_of_server = is_remote(name) and isinstance(error, TooLateError)
        kind = OutOfReachError if is_of_server else AudioError
        raise kind({name: str(error)}) from None
    except MemoryError:
        raise AudioError({name: NO_MEMORY}) from None
    except AudioError as error:
        (reason,) = error.failures.values()
        raise type(error)({name: reason}) from None


def read_blocks(path, *, sr=22050, block_duration=30.0, offset=0.0, duration=None):
    """Read an audio file of any length block by block.

    The blocks together are exactly what `load_audio` returns, but only one is in memory at a time.

    Parameters
    ----------
    path : str or path-like
        The audio file.
    sr : int, default=22050
        Sample rate of the returned waveform, in Hz.
    block_duration : float, default=30.0
        Length of a block, in seconds. The last block may be shorter.
    offset : float, default=0.0
        Where to start reading, in seconds.
    duration : float, default=None
        How much to read, in seconds. ``None`` reads to the end.

    Returns
    -------
    blocks : iterator of ndarray of shape (n_samples,), dtype float32
        The waveform, one block after the other, with the channels averaged into one.

    Raises
    ------
    AudioError
        As in `load_audio`. A problem far into the file, such as a NaN, is raised when its block is
        read.
    ValueError
        If ``sr``, ``block_duration``, ``offset`` or ``duration`` is out of range.

    See Also
    --------
    load_audio : Reads the whole file at once.
    librosa.stream : Reads blocks of frames at the file's own sample rate.

    Examples
    --------
    >>> import numpy as np, soundfile as sf, tempfile, os
    >>> from skgenre.audio import read_blocks
    >>> path = os.path.join(tempfile.mkdtemp(), "noise.wav")
    >>> sf.write(path, np.random.RandomState(0).uniform(-1, 1, 5 * 44100), 44100)
    >>> [len(y) for y in read_blocks(path, block_duration=2.0)]
    [44100, 44100, 22050]
    """
    _check_parameters(sr, offset, duration)
    if not 0.5 < block_duration * sr < np.inf:
        raise ValueError(f"block_duration must hold at least one sample, got {block_duration!r}")
    return _read_blocks(path, sr, round(block_duration * sr), offset, duration)


def _read_blocks(path, sr, size, offset, duration):
    with open_audio(path) as decoder:
        yield from _load_blocks(decoder, sr, size, offset, duration)


def read_sound_blocks(sound, *, sr, size):
    """Yield a `Sound` as `read_blocks` would a file of it, in blocks of ``size`` samples."""
    decoder = sound.open()
    check_header(decoder)
    yield from _load_blocks(decoder, sr, size, 0.0, None)


def _load_blocks(decoder, sr, size, offset, duration):
    is_empty = True
    for y in regroup(_read(decoder, sr, offset, duration, mono=True, size=size), size):
        is_empty = False
        yield y
    if is_empty:
        raise AudioError({decoder.path: "shorter than one sample"})


def _read(decoder, sr, offset, duration, mono, size):
    """Yield the blocks of a part of a file, of which ``size`` samples will be held at once."""
    n_channels = 1 if mono else decoder.channels
    n_frames = expected_frames(decoder, offset, duration)
    if n_frames is not None:
        _check_size(decoder, min(n_frames / decoder.samplerate * sr, size), n_channels)
    blocks = decode(decoder, offset, duration, sr)
    if mono:
        blocks = Mixer().mix(blocks)
    n_samples = 0
    for y in resample(blocks, decoder, sr):
        n_samples += len(y)
        _check_size(decoder, min(n_samples, size), n_channels)
        yield y


def _check_parameters(sr, offset, duration):
    if not 0 < sr < np.inf:
        raise ValueError(f"sr must be a positive number of Hz, got {sr!r}")
    if not 0 <= offset < np.inf:
        raise ValueError(f"offset must be finite and not negative, got {offset!r}")
    if duration is not None and not 0 < duration < np.inf:
        raise ValueError(f"duration must be positive and finite or None, got {duration!r}")


def _check_size(decoder, n_samples, n_channels):
    if n_samples * n_channels * 4 > MAX_DECODED_BYTES:
        reason = (
            f"{n_samples / 1e6:.0f} million samples of {n_channels} channels are over the size "
            f"limit of {MAX_DECODED_BYTES / 2**30:g} GiB; pass a duration or use read_blocks"
        )
        raise AudioError({decoder.path: reason})
