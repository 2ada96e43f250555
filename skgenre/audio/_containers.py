"""What the bytes around the music say: who reads a file, where it ends, what follows behind it."""

import mmap
import os
import re
from typing import Literal

# How the files begin that libsndfile reads.
_SNDFILE = re.compile(
    rb"(?:RIFF|RIFX|RF64)....WAVE|FORM....(?:AIF[FC]|8SVX|16SV)|\.snd|dns\.|fLaC|caff"
    rb"|riff\x2e\x91\xcf\x11|Creative Voice File|NIST_1A|[ ]paf|fap[ ]|PVF1|2BIT"
    rb"|\x64\xa3[\x00-\x04]\x00|\x00[\x00-\x04]\xa3\x64|Extended Instrument|ALawSoundFile"
    rb"|\xf0\x7e[\x00-\x7f]\x01|MATLAB 5|.{20}samplerate",
    re.DOTALL,
)
# The encodings that are MPEG in a WAV file.
_MPEG_IN_WAVE = (0x50, 0x55)

# The longest page of Ogg, and the flags of a stream's first and last one.
_OGG_PAGE, _OGG_START, _OGG_END = 65_307, 2, 4
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")

# The first MPEG frame of an encoder, which has numbers instead of music.
_MPEG_LENGTH = re.compile(
    rb"\xff[\xe2-\xff]..(?:(?:.{9}|.{17}|.{32})(?:Xing|Info)(?P<xing>.{12})|.{32}VBRI.{6}"
    rb"(?P<vbri>.{8}))",
    re.DOTALL,
)
_LONGEST_MPEG_FRAME = 2881

# How many bytes of a file's start are found nowhere else, by its first four.
_SIGNATURE_LENGTHS = {
    b"fLaC": 8, b"caff": 12, b"riff": 16, b".snd": 8, _ASF[:4]: 16, b"MAC ": 8, b"TTA1": 6,
    b"MPCK": 6,
}  # fmt: skip
_ID3 = re.compile(rb"ID3[\x02-\x04]\x00[\x00\x10\x40\x80][\x00-\x7f]{4}(?=[A-Z0-9]{3}|\x00|\xff)")
# What follows a tag of the right length: a frame, padding, another tag, or another format.
_BEHIND_A_TAG = re.compile(
    rb"\xff[\xe0-\xff]|\x00|ID3|APET|fLaC|OggS|RIFF|MAC |wvpk|TTA|$", re.DOTALL
)


def is_of_libsndfile(file):
    """Tell whether a file begins as those that libsndfile reads."""
    head = _read(file, 0, 64)
    if head[8:12] == b"WAVE":
        tags = (_read(file, at, 2) for name, at, _ in _chunks(file) if name == b"fmt ")
        return int.from_bytes(next(tags, b""), "little") not in _MPEG_IN_WAVE
    return bool(_SNDFILE.match(head)) or _is_htk_or_mpc2k(head, _size(file))


def _is_htk_or_mpc2k(head, size):
    """Tell formats that begin with next to nothing by the size that they announce."""
    if len(head) < 42:
        return False
    mpc2k = 42 + 2 * (1 + head[21]) * int.from_bytes(head[30:34], "little")
    htk = 12 + 2 * int.from_bytes(head[:4], "big")
    return size == (mpc2k if head[:2] == b"\x01\x04" else htk)


def is_cut(file):
    """Tell whether a container announces more than its file holds."""
    size, head = _size(file), _read(file, 0, 12)
    if head[:4] == b"OggS":
        return not _ends_in_an_ogg_page(file, size)
    if head[:4] == _EBML:
        return _matroska_end(file) > size
    if head[4:8] == b"ftyp":
        return max(end for _, end in _boxes(file, size)) > size
    if head[:4] == b"caff":
        return max((end for _, end in _caf_chunks(file, size)), default=0) > size
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return 8 + int.from_bytes(head[4:8], "little") > size
    return False


def is_really_empty(file):
    """Tell whether nothing but chunks is behind a data chunk that has a size of 0.

    A program that writes into a pipe may leave a 0 there, and music behind it.
    """
    size = _size(file)
    for name, at, length in _chunks(file):
        if name in (b"data", b"SSND"):
            following = _read(file, at + length, 4)
            return at + length >= size or (len(following) == 4 and following.isalnum())
    return False


def count_files(file):
    """Return how many files stand one behind the other in a file, as far as that can be seen."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = data[:64]
        if head[:4] == b"OggS":
            return _count_ogg(data)
        if head[4:8] == b"ftyp":
            return sum(name == b"ftyp" for name, _ in _boxes(file, len(data)))
        signature = _signature(head)
        return max(_count(data, signature) if signature else _count_mpeg(data), 1)


def _signature(head):
    """Return bytes that each file of a kind has once, or None where there are none."""
    if head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):
        return head[8:16]
    if head[:4] == _EBML:
        return next(
            (b"\x82" + bytes([0x80 + len(t)]) + t for t in (b"webm", b"matroska") if t in head),
            None,
        )
    length = _SIGNATURE_LENGTHS.get(head[:4])
    return head[:length] if length else None


def _count_mpeg(data):
    """Count frames of numbers, tags or FLAC headers, each of which begins a file."""
    numbers = sum(1 for _ in _MPEG_LENGTH.finditer(data))
    tags = sum(1 for _ in _ID3.finditer(data))
    return max(numbers, tags, _count(data, b"fLaC\x00\x00\x00\x22"))


def read_mpeg_length(file, end):
    """Return what the frame of numbers that ends at ``end`` says of an MPEG stream.

    Returns
    -------
    n_frames, n_bytes : int or None
        How many frames follow, and how many bytes there are from this one on; None where the
        frame does not say or is not there.
    start : int
        Where the frame starts.
    """
    start = max(end - _LONGEST_MPEG_FRAME, 0)
    all_found = list(_MPEG_LENGTH.finditer(_read(file, start, end - start)))
    if not all_found:
        return None, None, end
    found = all_found[-1]
    start += found.start()
    if numbers := found["vbri"]:
        return int.from_bytes(numbers[4:], "big"), int.from_bytes(numbers[:4], "big"), start
    flags, *numbers = (int.from_bytes(found["xing"][i : i + 4], "big") for i in (0, 4, 8))
    n_frames = numbers.pop(0) if flags & 1 else None
    n_bytes = numbers.pop(0) if flags & 2 else None
    return n_frames, n_bytes, start


def find_start(file):
    """Return where to look for music in a file whose tag is not as long as it says, or 0."""
    head = _read(file, 0, 10)
    if head[:3] != b"ID3":
        return 0
    size = sum((byte & 127) << shift for byte, shift in zip(head[6:], (21, 14, 7, 0), strict=False))
    numbers = _MPEG_LENGTH.search(_read(file, 10, size + _LONGEST_MPEG_FRAME))
    if numbers and numbers.start() < size:
        return 10 + numbers.start()
    return 0 if _BEHIND_A_TAG.match(_read(file, 10 + size, 4)) else 10


def _size(file):
    return os.fstat(file.fileno()).st_size


def _read(file, at, n):
    """Return bytes of a file, whose decoder finds it where it left it."""
    place = file.tell()
    file.seek(at)
    data = file.read(n)
    file.seek(place)
    return data


def _chunks(file):
    """Yield (name, where its data starts, how long they are) of a WAV or AIFF file."""
    order: Literal["big", "little"] = "big" if _read(file, 0, 4) in (b"FORM", b"RIFX") else "little"
    at, size = 12, _size(file)
    while at + 8 <= size:
        head = _read(file, at, 8)
        length = int.from_bytes(head[4:], order)
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _ends_in_an_ogg_page(file, size):
    """Tell whether the last page of an Ogg file is whole and its stream's last."""
    tail = _read(file, max(size - 2 * _OGG_PAGE, 0), 2 * _OGG_PAGE)
    at = tail.rfind(b"OggS\x00")
    page = tail[at : at + 27]
    if at < 0 or len(page) < 27:
        return False
    lacing = tail[at + 27 : at + 27 + page[26]]
    is_whole = len(lacing) == page[26] and at + 27 + len(lacing) + sum(lacing) <= len(tail)
    return is_whole and bool(page[5] & _OGG_END)


def _count_ogg(data):
    """Count the streams that start after another; those that are side by side start together."""
    n, at, has_music = 1, 0, False
    while (at := data.find(b"OggS\x00", at)) >= 0:
        is_start = bool(data[at + 5] & _OGG_START) if at + 5 < len(data) else False
        n += is_start and has_music
        has_music = not is_start
        at += 27
    return n


def _matroska_end(file):
    """Return where the segment of a Matroska file ends, 0 if that is left open."""
    at = 0
    for name in (_EBML, _SEGMENT):
        head = _read(file, at, 12)
        if head[:4] != name or len(head) < 5 or not head[4]:
            return 0
        n = 9 - head[4].bit_length()
        length = int.from_bytes(head[4 : 4 + n], "big") & (1 << 7 * n) - 1
        if length == (1 << 7 * n) - 1:
            return 0
        at += 4 + n + length
    return at


def _boxes(file, size):
    """Yield (name, where it ends) of the outermost boxes of an MP4 file."""
    at = 0
    while at + 8 <= size:
        head = _read(file, at, 16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8:
            return
        at += length
        yield head[4:8], at


def _caf_chunks(file, size):
    """Yield (name, where it ends) of the chunks of a CAF file."""
    at = 8
    while at + 12 <= size:
        head = _read(file, at, 12)
        length = int.from_bytes(head[4:], "big", signed=True)
        if length < 0 or head[:4] == b"caff":
            return
        at += 12 + length
        yield head[:4], at


def _count(data, signature):
    n, at = 0, -1
    while (at := data.find(signature, at + 1)) >= 0:
        n += 1
    return n
