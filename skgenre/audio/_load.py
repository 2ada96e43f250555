import os
import re

import numpy as np
import soundfile as sf
import soxr

from ._errors import AudioError

# Limits on what a header may announce. They are checked before anything is allocated, so that a
# damaged or lying header cannot take the machine's memory.
MAX_DECODED_BYTES = 4 * 2**30
MAX_CHANNELS = 64
MAX_SAMPLE_RATE = 768_000

# Chunks whose announced size libsndfile compares with the file in its log. Writers that stream
# announce 0xFFFFFFFF or the like because they cannot know the size.
_SIZE_MISMATCH = re.compile(
    r"^\s*(?:data|Data Size|SSND|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
_UNKNOWN_SIZE = 0x7FFFFF00
# What libsndfile answers where a header leaves the length open, as that of a piped FLAC may.
_UNKNOWN_LENGTH = 2**62
_CUT_OGG = "Last page lacks an end-of-stream bit"


def load_audio(path, *, sr=22050, offset=0.0, duration=None, mono=True):
    """Read an audio file as a float32 waveform at a given sample rate.

    Reads what libsndfile reads: WAV, AU, FLAC, OGG, MP3, AIFF and more, of any sample rate, sample
    width and number of channels. Only the part asked for is decoded.

    Parameters
    ----------
    path : str or path-like
        The audio file.
    sr : int, default=22050
        Sample rate of the result, in Hz. A file of another rate is resampled with soxr at high
        quality.
    offset : float, default=0.0
        Where to start, in seconds.
    duration : float, default=None
        How much to read, in seconds. ``None`` reads to the end. A file that ends sooner gives what
        there is.
    mono : bool, default=True
        Average the channels into one.

    Returns
    -------
    y : ndarray of shape (n_samples,) or (n_channels, n_samples), dtype float32
        The waveform; full scale is -1 to 1. One-dimensional if ``mono`` is true.

    Raises
    ------
    AudioError
        If the file is missing, a directory, not audio, truncated, empty, over the size limit, or
        holds NaN or infinite samples. The message names the file and the reason.
    ValueError
        If ``sr``, ``offset`` or ``duration`` is out of range.

    See Also
    --------
    librosa.load : The same numbers; also decodes through ffmpeg, and reports failures as they come.

    Notes
    -----
    16-bit files are read as integers and then scaled, which is several times faster than
    libsndfile's own conversion and gives the same numbers.

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
    if sr <= 0:
        raise ValueError(f"sr must be a positive number of Hz, got {sr!r}")
    if offset < 0:
        raise ValueError(f"offset must not be negative, got {offset!r}")
    if duration is not None and duration <= 0:
        raise ValueError(f"duration must be positive or None, got {duration!r}")
    name = _check_path(path)
    try:
        with sf.SoundFile(name) as file:
            y = _decode(file, name, offset, duration, mono)
            native_sr = file.samplerate
    except (sf.LibsndfileError, OSError) as error:
        # libsndfile has no text for an error that its decoders raise half way
        reason = str(getattr(error, "error_string", error)).rstrip(".") or "truncated or damaged"
        raise AudioError({name: f"not readable as audio ({reason})"}) from error
    if native_sr != sr:
        y = soxr.resample(y, native_sr, sr, quality="HQ")
        if not len(y):
            raise AudioError({name: "shorter than one sample"})
    return np.ascontiguousarray(y.T)


def _check_path(path):
    try:
        name = os.fspath(path)
    except TypeError:
        raise AudioError({repr(path): "not a path"}) from None
    if os.path.isdir(name):
        raise AudioError({name: "a directory, not an audio file"})
    if not os.path.exists(name):
        raise AudioError({name: "no such file"})
    if os.path.splitext(name)[1].lower() == ".raw":
        raise AudioError({name: "raw samples, without a header that says what they are"})
    if os.path.getsize(name) == 0:
        raise AudioError({name: "empty file"})
    return name


def _decode(file, name, offset, duration, mono):
    """Read the part asked for as float32, (n_samples,) or (n_samples, n_channels)."""
    if file.channels > MAX_CHANNELS:
        raise AudioError({name: f"{file.channels} channels, over the limit of {MAX_CHANNELS}"})
    if not 0 < file.samplerate <= MAX_SAMPLE_RATE:
        raise AudioError({name: f"a sample rate of {file.samplerate} Hz is out of range"})
    if _is_truncated(file):
        raise AudioError({name: "truncated: it holds less audio than its header says"})
    if file.frames >= _UNKNOWN_LENGTH:
        raise AudioError({name: "its header does not say how long it is"})
    start = round(offset * file.samplerate)
    n_frames = file.frames - start
    if duration is not None:
        n_frames = min(n_frames, round(duration * file.samplerate))
    if n_frames <= 0:
        raise AudioError({name: f"no samples after {offset} s" if offset else "no samples"})
    if n_frames * file.channels * 4 > MAX_DECODED_BYTES:
        raise AudioError(
            {
                name: f"{n_frames} frames of {file.channels} channels are over the size limit of "
                f"{MAX_DECODED_BYTES / 2**30:.0f} GiB; pass a duration"
            }
        )
    if start:
        file.seek(start)
    if file.subtype == "PCM_16":
        y = file.read(n_frames, dtype="int16").astype(np.float32)
        y *= np.float32(1 / 32768)
    else:
        y = file.read(n_frames, dtype="float32")
    if len(y) < n_frames:
        raise AudioError({name: f"truncated: it ends {n_frames - len(y)} samples too soon"})
    if mono and y.ndim == 2:
        y = y.mean(axis=1)
    if not np.isfinite(y).all():
        raise AudioError({name: "NaN or infinite samples"})
    return y


def _is_truncated(file):
    log = file.extra_info
    return _CUT_OGG in log or any(
        int(actual) < int(announced) < _UNKNOWN_SIZE
        for announced, actual in _SIZE_MISMATCH.findall(log)
    )
