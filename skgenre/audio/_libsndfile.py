import os
import re

import numpy as np
import soundfile as sf

from ._containers import find_files, is_cut, is_unknown
from ._errors import JOINED, TRUNCATED, AudioError, UnknownFormatError

# Chunks whose announced size libsndfile compares with the file in its log.
_SIZE_MISMATCH = re.compile(
    r"^\s*(?:data|Data Size|SSND|riff|Riff size)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE
)
# What libsndfile answers where a header leaves the length open, as that of a piped FLAC may.
_UNKNOWN_LENGTH = 2**62


class SndfileDecoder:
    """A file that libsndfile reads from start to end.

    Parameters
    ----------
    file : file object
        The open file.

    Attributes
    ----------
    path : str
        The path of the file.
    samplerate, channels : int
        As the file has them.
    frames : int or None
        The length of the file in samples of each channel; None where its header leaves it open.
    messages : list of str
        What the decoder has complained of so far.
    is_finite : bool
        Whether all samples are sure to be finite.
    reads_through : bool
        Whether it also reads a second file that stands behind the first.
    """

    errors = (sf.LibsndfileError, OSError)
    reads_through = False

    def __init__(self, file):
        self._file, self.path = file, file.name
        self._at = 0
        self.messages: list[str] = []
        file.seek(0)
        try:
            # by its descriptor, since libsndfile takes a guess at what a name's ending may mean
            self._stream = _Stream(file.name if os.name == "nt" else file.fileno(), closefd=False)
        except sf.LibsndfileError as error:
            raise UnknownFormatError(str(error.error_string).rstrip(".")) from None
        self.samplerate, self.channels = self._stream.samplerate, self._stream.channels
        self._has_16_bits = self._stream.subtype == "PCM_16"
        self.is_finite = self._has_16_bits
        self._is_cut = is_cut(file)
        announced = self._stream.frames
        self.frames = None if announced >= _UNKNOWN_LENGTH else announced

    def close(self):
        """Let go of the file, which stays open."""
        self._stream.close()

    def check(self):
        """Refuse a file that is smaller than its header says."""
        sizes = [
            tuple(map(int, found)) for found in _SIZE_MISMATCH.findall(self._stream.extra_info)
        ]
        if self._is_cut or any(
            actual < announced and not is_unknown(announced) for announced, actual in sizes
        ):
            raise AudioError({self.path: TRUNCATED})

    def skip(self, n_frames):
        """Go on after so many frames more."""
        try:
            self._at = self._stream.seek(n_frames, sf.SEEK_CUR) if n_frames else self._at
        except sf.LibsndfileError:  # beyond the end, or of a format that cannot seek
            while n_frames and len(y := self.read(min(n_frames, 2**16))):
                n_frames -= len(y)

    def read(self, n_frames):
        """Return the next frames, (n,) or (n, n_channels), float32; fewer only at the end."""
        # what stands behind the music would be an error of the decoder
        n_left = n_frames if self.frames is None else min(n_frames, self.frames - self._at)
        try:
            y = self._stream.read(n_left, dtype="int16" if self._has_16_bits else "float32")
        except sf.LibsndfileError:
            self._check_joined()
            raise
        if self._has_16_bits:
            y = np.multiply(y, np.float32(1 / 32768), dtype=np.float32)
        self._at += len(y)
        if len(y) < n_frames or self._at == self.frames:
            missing = (self.frames or 0) - self._at
            if missing > 0:
                raise AudioError({self.path: f"truncated: it ends {missing} samples too soon"})
            self._check_joined()
        return y

    def _check_joined(self):
        """Refuse a file with another one behind it, which would be lost."""
        if len(find_files(self._file)) > 1:
            raise AudioError({self.path: JOINED})

    def explain(self, error):
        """Return what an error of the decoder says, in words."""
        text = str(getattr(error, "error_string", error)).rstrip(".")
        if "lost sync" in text:
            return f"truncated or damaged ({text})"
        # libsndfile has no text for an error that its decoders raise half way
        return f"not readable as audio ({text or 'truncated or damaged'})"


class _Stream(sf.SoundFile):
    def seekable(self):
        # soundfile seeks to where it is after every read of a seekable file, which costs time and
        # fails in formats that cannot seek
        return False
