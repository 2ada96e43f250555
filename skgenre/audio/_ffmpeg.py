"""FFmpeg, as PyAV brings it; imported when a file is opened that libsndfile does not read."""

import hashlib
import os
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import av
import numpy as np
from av.audio.frame import format_dtypes
from av.codec.context import Flags2

from ._containers import find_files, find_start, has_sound_elsewhere, is_cut, read_mpeg_length
from ._errors import JOINED, TRUNCATED, AudioError, UnknownFormatError

# What FFmpeg may take a file for. Playlists and the like, which name other files, are not in it.
_FORMATS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,matroska,mov,mp3,mpc,mpc8,"
    "mpeg,mpegts,ogg,rm,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
# Formats that do not say how long they are: FFmpeg guesses from the size of the file.
_STREAMS = frozenset({"aac", "ac3", "amr", "dts", "eac3", "mpeg", "mpegts", "truehd"})
# So it does with ASF, too, which says how many bytes there are.
_UNANNOUNCED = _STREAMS | {"asf"}
# Formats of which all files are read that stand one behind the other.
_READ_THROUGH = _STREAMS | {"flac", "matroska,webm", "mp3", "ogg"}
# How much less may come than is announced. Headers count milliseconds, the encoder's delay or its
# padding; those of MP3 count both, and some of them the frame that they stand in.
_MAY_MISS = {"mp3": 4 * 1152, "flac": 0, "tta": 0, "wv": 0, "ape": 0}
_TWO_FRAMES = 4096
# PyAV reads beyond the list of the channels of a frame that has more.
_MOST_PLANES = 8
# What must not change within a stream.
_KIND = ("sample rate", "number of channels", "sample format")
# How many are converted at a time: few enough for the processor's cache.
_SAMPLES_TOGETHER = 2**14
# Formats that end with a whole packet.
_WHOLE_PACKETS = frozenset({"flv"})


class FFmpegDecoder:
    """A file whose sound FFmpeg reads from start to end.

    Encoder delay and padding are left out as FFmpeg leaves them out. A packet that cannot be
    decoded is passed over, as by the program ``ffmpeg``, and noted in ``messages``.

    Parameters
    ----------
    file : file object
        The open file.
    is_strict : bool, default=False
        Note also what FFmpeg only logs. It logs for the whole process, so this is for processes of
        our own.

    Attributes
    ----------
    path : str
        The path of the file.
    samplerate, channels : int
        As the first frame has them.
    frames : int or None
        The length that a header announces, in samples of each channel; None where there is none.
    messages : list of str
        What the decoder has complained of so far.
    is_finite : bool
        Whether all samples are sure to be finite.
    reads_through : bool
        Whether it also reads a second file that stands behind the first.
    """

    errors = (av.error.FFmpegError, OSError)
    is_finite = False

    def __init__(self, file, is_strict=False):
        self._file, self.path = file, file.name
        self._failures: list[str] = []
        self._log: list = []
        self._of_pictures: set[str] = set()
        self._closing = ExitStack()
        self._is_strict = is_strict
        if is_strict:
            self._log = self._closing.enter_context(_listen())
        self._is_cut = is_cut(file)
        self._start: int | None = None
        self._last = 0  # where the last packet stands of which something was decoded
        self._n_decoded = 0
        self._kind: tuple | None = None
        self._fifo = av.AudioFifo()
        self.frames: int | None = None
        self._source = _Source(file, find_start(file))
        try:
            self._container = _open_container(self._source)
            self._closing.callback(self._container.close)
            self._open()
        except (av.error.FFmpegError, OSError, ValueError) as error:
            self.close()
            if self._is_cut:
                raise AudioError({self.path: TRUNCATED}) from None
            if isinstance(error, AudioError):
                raise
            raise UnknownFormatError(_words(error)) from None

    def _open(self):
        self._stream: Any = self._container.streams.best("audio")
        if self._stream is None or not self._stream.codec_context:
            raise ValueError("it holds no sound that FFmpeg can decode")
        if self._container.format.name.startswith("mov") and has_sound_elsewhere(self._file):
            raise AudioError({self.path: "its sound is in another file"})
        self._stream.codec_context.thread_count = 1
        if self._is_strict:
            self._stream.codec_context.options = {"err_detect": "careful+compliant+aggressive"}
        self._of_pictures = {
            stream.codec_context.name
            for stream in self._container.streams
            if stream.type != "audio" and stream.codec_context
        }
        self.reads_through = self._container.format.name in _READ_THROUGH
        self._may_miss = _MAY_MISS.get(self._container.format.name, _TWO_FRAMES)
        if (self._container.format.name, self._stream.codec.name) == ("caf", "alac"):
            # the last frame is as short as it is to be, and FFmpeg would cut it once more
            self._stream.codec_context.flags2 |= Flags2.skip_manual
        self._decoded = self._decode()
        self._fill(0)
        if not self._fifo.samples and self._failures:
            raise ValueError(self._failures[0])
        if not self._fifo.samples:
            raise AudioError({self.path: "no samples"})
        self.frames = self._find_length()

    def close(self):
        """Let go of the file, which stays open."""
        self._closing.close()

    @property
    def messages(self):
        said = [text.strip() for _, who, text in self._log if who not in self._of_pictures]
        return self._failures + said

    def check(self):
        """Refuse a file that is smaller than its header says."""
        if self._is_cut:
            raise AudioError({self.path: TRUNCATED})

    def skip(self, n_frames):
        """Go on after so many frames more."""
        while n_frames and len(y := self.read(min(n_frames, 2**16))):
            n_frames -= len(y)

    def read(self, n_frames):
        """Return the next frames, (n, n_channels), float32; fewer only at the end."""
        parts, missing = [np.empty((self.channels, 0), dtype=np.float32)], n_frames
        while missing:
            n = min(missing, _SAMPLES_TOGETHER)
            self._fill(n)
            frame = self._fifo.read(n, partial=True)
            if frame is None:
                break
            parts.append(_convert(frame))
            missing -= frame.samples
        return np.concatenate(parts, axis=1).T

    def _fill(self, n_frames):
        """Decode until more samples than these are at hand, or to the end."""
        while self._fifo.samples <= n_frames and (frame := next(self._decoded, None)):
            self._fifo.write(frame)

    def explain(self, error):
        """Return what an error of the decoder says, in words."""
        return f"not readable as audio ({_words(error)})"

    def _find_length(self):
        stream, name = self._stream, self._container.format.name
        if name in _UNANNOUNCED:
            return None
        if name == "mp3":
            n_frames, n_bytes, start = read_mpeg_length(
                self._file, self._source.start + self._start
            )
            self._is_cut = (
                n_bytes is not None and start + n_bytes > os.fstat(self._file.fileno()).st_size
            )
            return n_frames and n_frames * stream.codec_context.frame_size
        if stream.duration is not None:
            return round(stream.duration * stream.time_base * self.samplerate) or None
        if self._container.duration is not None:
            return round(self._container.duration / av.time_base * self.samplerate) or None
        return None

    def _decode(self):
        """Yield what is decoded, frame by frame."""
        codec = self._stream.codec_context
        ends_well, is_partial, n_said = True, False, (0, 0)
        for packet in self._packets():
            if self._start is None:
                self._start = packet.pos or 0
            if packet.size:
                is_partial = packet.is_corrupt
            try:
                frames = codec.decode(packet)
            except av.error.EOFError:
                break
            except av.error.FFmpegError as error:
                ends_well = False
                self._failures.append(f"{_words(error)} after {self._seconds():.2f} s")
                continue
            if packet.size:
                ends_well = True
                if frames:
                    self._last = packet.pos or 0
                    n_said = len(self._failures), len(self._log)
            for frame in frames:
                self._check_constant(frame)
                self._n_decoded += frame.samples
                frame.pts = None  # what is missing in between is not filled
                yield frame
        self._check_end(ends_well, is_partial)
        # what comes last is of tags behind the music
        del self._failures[n_said[0] :], self._log[n_said[1] :]

    def _packets(self):
        """Yield the packets of the stream, and an empty one that fetches what is left."""
        while True:
            try:
                yield from self._container.demux(self._stream)
                return
            except IndexError:
                continue  # it is of a stream that began later, which PyAV does not know
            except av.error.FFmpegError:
                if not self._has_all():
                    raise
                yield av.Packet()  # it is of tags behind the music
                return

    def _has_all(self):
        """Tell whether all that was announced has been decoded."""
        return self.frames is not None and self._n_decoded >= self.frames - self._may_miss

    def _check_constant(self, frame):
        """Refuse a stream that goes on with samples of another kind."""
        kind = frame.sample_rate, frame.layout.nb_channels, frame.format.name
        if self._kind is None:
            self._kind = kind
            self.samplerate, self.channels, _ = kind
            if frame.format.is_planar and self.channels > _MOST_PLANES:
                limit = (
                    f"it has {self.channels} channels; {_MOST_PLANES} are the most that are read"
                )
                raise AudioError({self.path: limit})
        if kind == self._kind:
            return
        for what, before, now in zip(_KIND, self._kind, kind, strict=True):
            if now != before:
                at = f"{self._seconds():.2f} s"
                raise AudioError({self.path: f"its {what} changes from {before} to {now} at {at}"})

    def _check_end(self, ends_well, is_partial):
        """Refuse a stream that ended sooner than it was to."""
        if not self._n_decoded:
            return
        starts = find_files(self._file)
        is_reached = self._source.start + self._last >= starts[-1]
        if not is_reached or (len(starts) > 1 and not self.reads_through):
            raise AudioError({self.path: JOINED})
        if self.frames is None:
            is_whole = ends_well or self._container.format.name == "mp3"
        else:
            is_whole = self._has_all()
        if not is_whole or (is_partial and self._container.format.name in _WHOLE_PACKETS):
            what = f"it ends after {self._seconds():.2f} s"
            said = "; ".join([what, *self._failures[-1:]])
            raise AudioError({self.path: f"truncated or damaged: {said}"})

    def _seconds(self):
        return self._n_decoded / self.samplerate if self._n_decoded else 0.0


def read_metadata(file):
    """Return what an open file says of its sound, such as genre and artist, as a dict of texts."""
    try:
        with _open_container(_Source(file, find_start(file))) as container:
            sound = container.streams.best("audio")
            return (sound.metadata if sound else {}) | container.metadata
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnknownFormatError(_words(error)) from None


def _open_container(source):
    return av.open(
        source,
        mode="r",
        container_options={"format_whitelist": _FORMATS},
        metadata_errors="replace",
    )


def hash_packets(file):
    """Return a hash of an open file's encoded sound: all packets, and when each is to be played.

    Nothing is decoded. Tags have no part in it.

    Raises
    ------
    UnknownFormatError
        If FFmpeg cannot read it.
    """
    digest = hashlib.sha256()
    try:
        with _open_container(_Source(file, find_start(file))) as container:
            for stream in container.streams.audio:
                codec = stream.codec_context
                # Vorbis has its tags among them
                if codec is not None and codec.name not in ("vorbis", "libvorbis"):
                    digest.update(codec.extradata or b"")
            is_ape = container.format.name == "ape"
            for packet, following in pairwise(container.demux(container.streams.audio)):
                if is_ape and not following.size:
                    break  # it goes on into the tags behind it
                about = (packet.stream_index, packet.pts, packet.dts, packet.duration, packet.size)
                digest.update(repr(about).encode())
                digest.update(bytes(packet))
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        raise UnknownFormatError(_words(error)) from None
    return digest.hexdigest()


@contextmanager
def _listen():
    """Give what FFmpeg logs of errors in this thread, as a list."""
    level = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture() as log:
            yield log
    finally:
        av.logging.set_level(level)


class _Source:
    """A file from some byte on, without its name, by which FFmpeg would guess what it is."""

    def __init__(self, file, start):
        self._file, self.start = file, start
        self.read = file.read
        file.seek(start)

    def seek(self, offset, whence=os.SEEK_SET):
        if whence == os.SEEK_SET:
            offset += self.start
        try:
            return self._file.seek(offset, whence) - self.start
        except (OSError, OverflowError):
            return -1  # FFmpeg's own word for it; PyAV would print what is raised here

    def tell(self):
        return self._file.tell() - self.start


def _words(error):
    return str(getattr(error, "strerror", None) or error).rstrip(".")


def _convert(frame):
    """Return the samples of a frame, (n_channels, n_samples), float32."""
    # several times faster than `to_ndarray`
    dtype, n_channels = format_dtypes[frame.format.name], frame.layout.nb_channels
    if frame.format.is_planar and n_channels > 1:
        y = np.stack([np.frombuffer(plane, dtype, frame.samples) for plane in frame.planes])
    else:
        y = np.frombuffer(frame.planes[0], dtype, frame.samples * n_channels)
        y = y.reshape(n_channels, frame.samples, order="F")
    if y.dtype == np.float32:
        return y
    if y.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused later
            return y.astype(np.float32)
    scale = np.float32(1 / 2 ** (8 * y.itemsize - 1))
    silence = 128 if y.dtype == np.uint8 else 0
    return (y.astype(np.float32) - silence) * scale
