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

# Programs that write into a pipe cannot know the size: most announce the largest number there is,
# signed or not, and sox some less.
_UNKNOWN_SIZES = (range(0x7F000000, 0x80000100), range(0xFFFF0000, 0x100000000))

# The longest page of Ogg, and the flags of a stream's first and last one.
_OGG_PAGE, _OGG_START, _OGG_END = 65_307, 2, 4
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")

# The first MPEG frame of an encoder, which has numbers instead of music.
_MPEG_LENGTH = re.compile(
    rb"\xff[\xe2-\xff]..(?:(?:.{9}|.{17}|.{32})(?:Xing|Info)(?P<xing>.{12})|.{32}VBRI.{6}"
    rb"(?P<vbri>.{8}))",
    re.DOTALL,
)
_LONGEST_MPEG_FRAME = 2881

# In the flags of a block of WavPack: it is the first of its channels.
_WITH_BIT_3 = b"[" + re.escape(bytes(byte for byte in range(256) if byte & 8)) + b"]"
# How files begin, and nothing else in them, by their first four bytes.
_BEGINNINGS = {
    b"RIFF": b"RIFF....WAVE",
    b"RIFX": b"RIFX....WAVE",
    b"RF64": b"RF64....WAVE",
    b"FORM": b"FORM....AIF[FC]",
    b"fLaC": rb"fLaC[\x00\x80]\x00\x00\x22",
    b"caff": rb"caff\x00[\x01\x02]\x00\x00desc",
    b"riff": rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb",
    b".snd": rb"\.snd\x00\x00..",
    b"FLV\1": rb"FLV\x01[\x01\x04\x05]\x00\x00\x00\x09",
    b".RMF": rb"\.RMF\x00\x00\x00\x12",
    b"MAC ": rb"MAC .[\x0e\x0f]",
    b"TTA1": rb"TTA1[\x01-\x03]\x00",
    b"wvpk": rb"wvpk....[\x02-\x10]\x04.{6}\x00{4}(?!\x00{4})....." + _WITH_BIT_3,
    b"MPCK": b"MPCK(?:SH|RG|EI)",
    _ASF[:4]: re.escape(_ASF),
    _EBML: re.escape(_EBML) + rb".{1,60}?\x42\x82.(?:webm|matroska)",
}
_SIGNATURES = {head: re.compile(begin, re.DOTALL) for head, begin in _BEGINNINGS.items()}
_MP4_BEGINNING = re.compile(rb"\x00\x00..ftyp", re.DOTALL)
_AMID_MPEG = (
    *(_SIGNATURES[head] for head in (b"RIFF", b"fLaC", b"wvpk")),
    re.compile(rb"OggS\x00\x02"),
    _MP4_BEGINNING,
)
# The outermost parts of MP4 and CAF files. Anything else is no part, but stands behind the file.
_MP4_BOXES = frozenset(
    b"free ftyp mdat meta mfra moof moov pdin pnot prft sidx skip ssix styp udta uuid wide".split()
)
# The first entry of a list of the files that tracks lie in, without the mark of the file itself.
_ELSEWHERE = re.compile(rb"dref\0{7}[^\0].{4}(?:alis|rsrc|url |urn )\0{4}", re.DOTALL)
_LONGEST_MOOV = 2**28
_CAF_CHUNKS = frozenset(
    b"chan data desc edct free info inst kuki mark midi ovvw pakt peak regn strg umid uuid".split()
)
_ID3 = re.compile(rb"ID3[\x02-\x04]\x00[\x00\x10\x40\x80][\x00-\x7f]{4}(?=[A-Z0-9]{3}|\x00|\xff)")
_MPEG_FRAME = re.compile(rb"\xff[\xe2-\xff]")
# What follows a tag of the right length: a file of another kind, or a frame, padding or a tag.
_KINDS_BEHIND_A_TAG = re.compile(
    rb"fLaC|OggS|RIF[FX]|RF64|FORM|caff|riff|\.snd|wvpk|MAC |TTA|MPCK|MP\+|FLV\x01|\.RMF|#!AMR"
    rb"|....ftyp|" + re.escape(_EBML) + b"|" + re.escape(_ASF[:4]),
    re.DOTALL,
)
_MPEG_BEHIND_A_TAG = re.compile(rb"\xff[\xe0-\xff]|\x00{4}|APET|\x0b\x77|$", re.DOTALL)


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
    start, size = find_start(file), _size(file)
    if _read(file, start, 4) == b"OggS":
        return not _ends_in_an_ogg_page(file, size)
    return _end(file, start, size) > size


def _end(file, start, size):
    """Return where a container says that it ends, 0 if it does not."""
    head = _read(file, start, 20)
    if head[:4] == _EBML:
        return _matroska_end(file, start)
    if head[4:8] == b"ftyp":
        return _mp4_end(file, start, size)
    if head[:4] == b"caff":
        return _caf_end(file, start, size)
    if head[8:12] == b"WAVE":
        return _wave_end(file, start)
    if head[:4] == _ASF[:4]:
        return _asf_end(file, start)
    if head[:4] == b"DSD ":
        return start + int.from_bytes(head[12:], "little")
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return start + 8 + int.from_bytes(head[4:8], "little")
    return 0


def is_unknown(size):
    """Tell whether a size is one that stands for any."""
    return any(size in unknown for unknown in _UNKNOWN_SIZES)


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


def find_files(file):
    """Return where each of the files starts that stand one behind the other, as far as is seen."""
    start, size = find_start(file), _size(file)
    head, end = _read(file, start, 12), _end(file, start, size)
    if head[8:12] in (b"WAVE", b"AIFF", b"AIFC"):  # behind the music there are chunks
        order: Literal["big", "little"] = "little" if head[:4] == b"RIFF" else "big"
        end = start + 8 + int.from_bytes(head[4:8], order)
        if end == size:
            return [start]
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if head[:4] == b"OggS":
            found = _ogg_starts(data)
        elif head[4:8] == b"ftyp":
            found = _matches(_MP4_BEGINNING, data)
        elif head[:4] in _SIGNATURES:
            found = _matches(_SIGNATURES[head[:4]], data)
        else:
            found = _mpeg_starts(data)
        if 0 < end < size:
            tag = _ID3.match(data, end)
            end = tag.end() + _id3_size(data[tag.end() - 4 : tag.end()]) if tag else end
            if _KINDS_BEHIND_A_TAG.match(data, end) or _MPEG_FRAME.match(data, end):
                found.append(end)
    return sorted(set(found)) or [start]


def _matches(pattern, data):
    return [match.start() for match in pattern.finditer(data)]


def _mpeg_starts(data):
    """Find frames of numbers, the first frames behind tags, and files of other kinds."""
    tags = [match.end() for match in _ID3.finditer(data)]
    behind_tags = {at + _id3_size(data[at - 4 : at]) for at in tags}
    frames = sorted(at for at in behind_tags if _MPEG_FRAME.match(data, at))
    # a tag may hold a whole file, which is not heard
    begin = frames[0] if tags and frames and tags[0] == 10 else 0
    found = {at for at in frames if at >= begin}
    for start in (_MPEG_LENGTH, *_AMID_MPEG):
        found.update(match.start() for match in start.finditer(data, begin))
    return sorted(found)


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
    """Return where a file begins behind its tags, or where to look for it; 0 in plain cases."""
    at = 0
    while (head := _read(file, at, 10))[:3] == b"ID3":
        size = _id3_size(head[6:])
        has_footer = len(head) > 5 and head[5] & 0x10
        end = at + 10 + size + (10 if has_footer else 0)
        following = _read(file, end, 8)
        if _KINDS_BEHIND_A_TAG.match(following):
            return end
        if _MPEG_FRAME.match(following):
            return 0
        if following[:3] != b"ID3":
            numbers = _MPEG_LENGTH.search(_read(file, at + 10, size + _LONGEST_MPEG_FRAME))
            if numbers and numbers.start() < size:
                return at + 10 + numbers.start()
            return 0 if _MPEG_BEHIND_A_TAG.match(following) else at + 10
        at = end
    return 0


def _id3_size(number):
    """Return how long a tag is behind the ten bytes that end with the number."""
    return sum((byte & 127) << shift for byte, shift in zip(number, (21, 14, 7, 0), strict=False))


def _size(file):
    return os.fstat(file.fileno()).st_size


def _read(file, at, n):
    """Return bytes of a file, whose decoder finds it where it left it."""
    if at >= _size(file):
        return b""
    place = file.tell()
    file.seek(at)
    data = file.read(n)
    file.seek(place)
    return data


def _chunks(file, start=0):
    """Yield (name, where its data starts, how long they are) of a WAV or AIFF file."""
    is_big = _read(file, start, 4) in (b"FORM", b"RIFX")
    order: Literal["big", "little"] = "big" if is_big else "little"
    at, size = start + 12, _size(file)
    while at + 8 <= size:
        head = _read(file, at, 8)
        length = int.from_bytes(head[4:], order)
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _wave_end(file, start):
    """Return where the music of a WAV file ends, 0 if that is left open."""
    ends = (
        0 if is_unknown(length) else at + length
        for name, at, length in _chunks(file, start)
        if name == b"data"
    )
    return next(ends, 0)


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


def _ogg_starts(data):
    """Find the streams that start after another; those that are side by side start together."""
    starts: list[int] = []
    at, has_music = 0, True
    while (at := data.find(b"OggS\x00", at)) >= 0:
        is_start = at + 5 < len(data) and bool(data[at + 5] & _OGG_START)
        if is_start and has_music:
            starts.append(at)
        has_music = not is_start
        at += 27
    return starts


def _matroska_end(file, at):
    """Return where the segment of a Matroska file ends, 0 if that is left open."""
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


def _asf_end(file, start):
    """Return where the packets of an ASF file end, as far as it says."""
    at = start + int.from_bytes(_read(file, start + 16, 8), "little")
    data = _read(file, at, 24)
    return at + int.from_bytes(data[16:], "little") if data[:16] == _ASF_DATA else 0


def has_sound_elsewhere(file):
    """Tell whether a track of an MP4 or QuickTime file lies in another file."""
    start = find_start(file)
    for name, at, length in _mp4_boxes(file, start, _size(file)):
        if name == b"moov" and _ELSEWHERE.search(_read(file, at, min(length, _LONGEST_MOOV))):
            return True
    return False


def _mp4_end(file, at, size):
    """Return where the last of the outermost boxes of an MP4 file ends."""
    for _, start, length in _mp4_boxes(file, at, size):
        at = start + length
    return at


def _mp4_boxes(file, at, size):
    """Yield (name, where it starts, its length) of the outermost boxes of an MP4 file."""
    while at + 8 <= size:
        head = _read(file, at, 16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8 or head[4:8] not in _MP4_BOXES:
            break
        yield head[4:8], at, length
        at += length


def _caf_end(file, at, size):
    """Return where the last chunk of a CAF file ends, as far as its chunks say."""
    at += 8
    while at + 12 <= size:
        head = _read(file, at, 12)
        length = int.from_bytes(head[4:], "big", signed=True)
        if length < 0 or head[:4] not in _CAF_CHUNKS:
            break
        at += 12 + length
    return at
