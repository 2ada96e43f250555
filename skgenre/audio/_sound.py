"""Sound in arrays: samples of the types that files have, with channels and a rate of their own."""

from dataclasses import dataclass

import numpy as np

from ._errors import AudioError

# The middle and the height of the integers that WAV files hold.
_FULL_SCALE = {
    "uint8": (128, 2**7),
    "int8": (0, 2**7),
    "int16": (0, 2**15),
    "int32": (0, 2**31),
}
# More are likelier the bands of a spectrogram, or clips in a table; without a rate, more than two.
MAX_CHANNELS, MAX_BARE_CHANNELS = 8, 2
# No recording is so loud, but integers that were made floats are.
_LOUDEST = 128.0


def scale_samples(samples):
    """Return samples as float32, integers scaled to -1 to 1 by their type, as files are.

    Raises
    ------
    ValueError
        If there are no samples of that type.
    """
    if samples.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return samples.astype(np.float32, copy=False)
    check_type(samples)
    middle, height = _FULL_SCALE[samples.dtype.name]
    y = samples.astype(np.float32)
    y -= np.float32(middle)
    y *= np.float32(1 / height)
    return y


def check_type(samples):
    """Refuse samples that are neither floats nor integers of a type that audio files have."""
    name = samples.dtype.name
    if samples.dtype.kind not in "biufc":
        raise ValueError(f"has samples of type {name}; they must be numbers")
    if samples.dtype.kind != "f" and name not in _FULL_SCALE:
        raise ValueError(
            f"has samples of type {name}, whose scale is unknown; convert them to the type that "
            "they were recorded in, such as astype(np.int16), or to floats from -1 to 1"
        )


def check_loudness(y):
    """Raise an `AudioError` for samples that look like integers, not like floats from -1 to 1."""
    peak = max(y.max(initial=0), -y.min(initial=0))
    if peak > _LOUDEST:
        raise AudioError(
            {"": f"the largest sample is {peak:.3g}, where full scale is 1; scale the waveform"}
        )


def order_channels(samples, max_channels):
    """Return samples as (n_frames,) or (n_frames, n_channels); the short axis has the channels."""
    if samples.ndim > 2:
        raise ValueError(
            f"has the shape {samples.shape}; expected (n_samples,), or two axes for channels"
        )
    if samples.ndim < 2 or not samples.size:
        return samples.ravel()
    n_channels, n_frames = sorted(samples.shape)
    if n_channels > max_channels:
        raise ValueError(
            f"has the shape {samples.shape}, and neither axis is one of {max_channels} channels at "
            "most; pass a sound of more as (samples, rate), and a table of clips by itself"
        )
    if 1 < n_channels == n_frames:
        raise ValueError(f"has the shape {samples.shape}; which axis has the channels?")
    if n_channels == 1:
        return samples.ravel()
    return samples if samples.shape[1] == n_channels else samples.T


@dataclass(frozen=True)
class Sound:
    """Samples that are not yet mixed and resampled.

    Attributes
    ----------
    samples : ndarray of shape (n_frames,) or (n_frames, n_channels)
        Of a type that `scale_samples` takes.
    samplerate : float
        In Hz.
    """

    samples: np.ndarray
    samplerate: float

    def open(self):
        """Return what reads the samples as if they were a file."""
        return SoundDecoder(self)


class SoundDecoder:
    """Samples that are read from start to end, as `SndfileDecoder` does with a file.

    Attributes
    ----------
    path : str
        Empty.
    samplerate, channels, frames, is_finite, reads_through
        As in `SndfileDecoder`.
    """

    path = ""
    reads_through = False

    def __init__(self, sound):
        self._samples, self._at = sound.samples, 0
        self.samplerate = sound.samplerate
        self.frames = len(self._samples)
        self.channels = 1 if self._samples.ndim == 1 else self._samples.shape[1]
        self.is_finite = self._samples.dtype.kind != "f"

    def check(self):
        """Accept the samples: there is no header that they could belie."""

    def skip(self, n_frames):
        """Go on after so many frames more."""
        self._at += n_frames

    def read(self, n_frames):
        """Return the next frames, (n,) or (n, n_channels), float32; fewer only at the end."""
        part = self._samples[self._at : self._at + n_frames]
        self._at += len(part)
        return scale_samples(part)
