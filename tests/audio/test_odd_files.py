"""Files as real programs and people leave them, whose first bytes and lengths mislead."""

import os
import re
import struct
from contextlib import suppress

import av
import numpy as np
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal

from skgenre.audio import AudioError, _decode, find_faults, load_audio, read_blocks

SR = 22050
RNG = np.random.default_rng(0)
NOISE = RNG.uniform(-0.7, 0.7, 4 * SR).astype(np.float32)
TONE = (0.01 * np.sin(np.arange(4 * SR) / 8)).astype(np.float32)


def seconds(path, **part):
    return len(load_audio(path, sr=SR, **part)) / SR


def faults(path):
    return find_faults([path])["fault"].tolist()


@pytest.fixture
def save(tmp_path):
    def write(name, data):
        (tmp_path / name).write_bytes(data)
        return tmp_path / name

    return write


@pytest.fixture
def as_bytes(tmp_path):
    def write(name, y, sr=SR, **options):
        sf.write(tmp_path / name, y, sr, **options)
        return (tmp_path / name).read_bytes()

    return write


def frame_starts(mp3):
    return [found.start() for found in re.finditer(b"\xff[\xf2\xf3\xfa\xfb]", mp3)]


def without_first_frame(mp3):
    """Take away the frame of numbers."""
    return mp3[next(i for i in frame_starts(mp3) if i > 100) :]


@pytest.fixture
def vbr(as_bytes):
    options = {"bitrate_mode": "VARIABLE", "compression_level": 0.5}
    return as_bytes("vbr.mp3", np.concatenate([NOISE, TONE, TONE, TONE]), **options)


@pytest.fixture
def cbr(as_bytes):
    options = {"bitrate_mode": "CONSTANT", "compression_level": 0.7}
    return as_bytes("cbr.mp3", NOISE, **options)


def id3(text, size=None):
    body = b"TXXX" + struct.pack(">I", len(text) + 1) + b"\0\0\0" + text
    size = len(body) if size is None else size
    return (
        b"ID3\x03\0\0" + bytes([size >> 21, size >> 14 & 127, size >> 7 & 127, size & 127]) + body
    )


def test_vbr_without_a_header_is_read_to_its_end(save, vbr):
    path = save("bare.mp3", without_first_frame(vbr))
    assert seconds(path) == pytest.approx(16, abs=0.1)
    assert seconds(path, offset=12.0) == pytest.approx(4, abs=0.1)
    assert sum(map(len, read_blocks(path, sr=SR))) == len(load_audio(path, sr=SR))
    assert faults(path) == []


@pytest.mark.parametrize("cut", [0.3, 0.7, 0.99])
def test_an_mp3_that_says_how_long_it_is_may_not_be_cut(save, vbr, cut):
    path = save("cut.mp3", vbr[: int(cut * len(vbr))])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(path)
    assert "truncated" in faults(path)


@pytest.mark.parametrize(
    "before",
    [
        bytes(417),
        bytes(5000),
        b"\x01\x04 junk " * 20,
        id3(b"Info and Xing, and VBRI too" * 10),
        id3(b"text", size=2000),
        id3(b"text", size=5),
        id3(b"one") + id3(b"two"),
    ],
    ids=["zeros", "many zeros", "junk", "words", "tag too long", "tag too short", "two tags"],
)
def test_what_stands_before_an_mp3_does_not_matter(save, cbr, before):
    for mp3 in (cbr, without_first_frame(cbr)):
        path = save("song.mp3", before + mp3)
        assert seconds(path) == pytest.approx(4, abs=0.15)
        assert "truncated" not in faults(path)


def test_an_mp3_that_begins_in_mid_frame(save, cbr):
    path = save("song.mp3", without_first_frame(cbr)[1000:])
    assert seconds(path) == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("behind", [bytes(3000), b"TAG" + b" " * 125, b"LYRICSBEGIN" + bytes(900)])
def test_what_stands_behind_an_mp3_does_not_matter(save, cbr, behind):
    path = save("song.mp3", cbr + behind)
    assert seconds(path) == pytest.approx(4, abs=0.05)
    assert faults(path) == []


@pytest.mark.parametrize("junk", [RNG.bytes(2000), id3(bytes(1990)), bytes(2000)])
def test_junk_inside_an_mp3_costs_a_few_frames(save, vbr, junk):
    half = len(vbr) // 2
    path = save("song.mp3", vbr[:half] + junk + vbr[half:])
    assert seconds(path) == pytest.approx(16, abs=0.2)


def test_a_flac_behind_a_tag(save, as_bytes):
    flac = as_bytes("song.flac", NOISE)
    path = save("tagged.flac", id3(b"title") + flac)
    assert_allclose(load_audio(path, sr=SR), NOISE, atol=1e-4)
    half = save("half.flac", id3(b"title") + flac[: len(flac) // 2])
    with pytest.raises(AudioError, match="truncated"):
        load_audio(half)
    assert "truncated" in faults(half)


# ending: (codec of FFmpeg, whether the format ends where its header says)
OF_FFMPEG = {
    "m4a": ("aac", True),
    "mp4": ("alac", True),
    "caf": ("alac", True),
    "oga": ("flac", True),
    "opus": ("libopus", True),
    "webm": ("libopus", True),
    "wv": ("wavpack", True),
    "wma": ("wmav2", True),
    "flv": ("aac", True),
    "adts": ("aac", False),
    "mp2": ("mp2", False),
}


@pytest.fixture(params=OF_FFMPEG)
def of_ffmpeg(request, tmp_path, encode):
    codec, is_told = OF_FFMPEG[request.param]
    rate = 48000 if codec == "libopus" else 44100
    return encode(tmp_path / f"song.{request.param}", NOISE, rate, codec), is_told


def test_tags_before_and_behind_a_file_of_any_kind(save, of_ffmpeg):
    path, is_told = of_ffmpeg
    song, n_samples = path.read_bytes(), len(load_audio(path, sr=44100))
    tags = id3(b"title"), b"TAG" + b"A title".ljust(125, b"\0")
    for data in (tags[0] + song, tags[0] * 2 + song, song + tags[1], song + bytes(1000)):
        y = load_audio(save(f"tagged{path.suffix}", data), sr=44100)
        assert len(y) == pytest.approx(n_samples, abs=0 if is_told else 2304)
    tagged = save(f"tagged{path.suffix}", tags[0] + song + tags[1])
    assert not {"joined", "truncated"} & set(faults(tagged))
    if is_told:
        with pytest.raises(AudioError, match=r"truncated|not readable"):
            load_audio(save(f"cut{path.suffix}", tags[0] + song[: int(0.99 * len(song))]))


@pytest.mark.parametrize(("ending", "codec"), [("mov", "pcm_s16le"), ("m4a", "aac")])
def test_a_film_whose_sound_is_in_another_file_is_refused(save, encode, tmp_path, ending, codec):
    path = encode(tmp_path / f"film.{ending}", NOISE, SR, codec)
    assert seconds(path) == pytest.approx(4, abs=0.1)
    data = bytearray(path.read_bytes())
    place = data.index(b"url \0\0\0\1")
    data[place + 7] = 0
    with pytest.raises(AudioError, match="its sound is in another file"):
        load_audio(save(f"else.{ending}", data))


def test_a_wma_from_a_pipe_is_read_to_its_end(save, encode, tmp_path):
    wma = bytearray(encode(tmp_path / "song.wma", NOISE, 44100, "wmav2").read_bytes())
    about = wma.index(bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365"))
    wma[about + 40 : about + 48] = bytes(8)  # the size of the file
    wma[about + 56 : about + 80] = bytes(24)  # its packets and its length
    wma[about + 88] |= 1
    data = wma.index(bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c"))
    wma[data + 16 : data + 24] = struct.pack("<Q", 50)
    path = save("pipe.wma", bytes(wma))
    assert len(load_audio(path, sr=44100)) == pytest.approx(len(NOISE), abs=4096)
    assert faults(path) == []


@pytest.mark.parametrize("has_numbers", [True, False])
def test_what_an_mp3_has_in_its_tags_is_neither_heard_nor_a_fault(save, cbr, as_bytes, has_numbers):
    song = cbr if has_numbers else without_first_frame(cbr)
    expected = load_audio(save("song.mp3", song))
    other = id3(b"an MP3: " + as_bytes("other.mp3", TONE, 44100))
    picture = b"\0image/jpeg\0\3\0\xff\xd8\xff\xe0" + RNG.bytes(9000)
    cover = id3(picture).replace(b"TXXX", b"APIC").replace(b"\0\0\0\0image", b"\0\0\0image")
    assert b"APIC" in cover
    lyrics = b"LYRICSBEGIN" + b"la " * 300 + b"LYRICS200TAG".ljust(134)
    for before, behind in ((other, b""), (cover, b""), (b"", lyrics), (other, lyrics)):
        path = save("tagged.mp3", before + song + behind)
        assert_array_equal(load_audio(path), expected)
        assert faults(path) == []


def test_a_wav_behind_a_tag(save, as_bytes):
    wav = as_bytes("song.wav", NOISE)
    assert_allclose(load_audio(save("tagged.wav", id3(b"title") + wav), sr=SR), NOISE, atol=1e-4)
    with pytest.raises(AudioError, match="truncated"):
        load_audio(save("cut.wav", id3(b"title") + wav[:-100]))


def test_floats_beyond_float32_behind_a_tag_are_refused_without_a_warning(save, as_bytes):
    y = NOISE.astype(float)
    y[1000] = 1e300
    wav = as_bytes("huge.wav", y, subtype="DOUBLE")
    for data in (wav, id3(b"title") + wav):
        with pytest.raises(AudioError, match="NaN or infinite"):
            load_audio(save("huge.wav", data))


def test_the_rest_of_the_last_packet_of_alac_in_caf_is_padding_and_not_music(tmp_path):
    # as Apple's programs and PyAV itself write it; the program ffmpeg notes no padding
    y = NOISE[: 12 * 4096 - 1152]
    frame = av.AudioFrame.from_ndarray(np.stack([y, y]), "fltp", "stereo")
    frame.sample_rate, frame.pts = 44100, 0
    with av.open(str(tmp_path / "song.caf"), "w") as container:
        stream = container.add_stream("alac", rate=44100, layout="stereo")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = (tmp_path / "song.caf").read_bytes()
    if data[data.index(b"pakt") + 32 :][:4] != struct.pack(">i", 1152):
        pytest.skip("before version 8 FFmpeg notes no padding")
    assert_allclose(load_audio(tmp_path / "song.caf", sr=44100), y, atol=1e-4)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\3ftypM4A " + bytes(20),
        b"\0\0\0\x10ftypM4A \0\0\0\0\0\0\0\1mdat" + b"\xff" * 8 + bytes(20),
        bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\xff" * 20,
        b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 6 + b"\xf0" + bytes(20),
        b"caff\0\1\0\0desc\x7f" + b"\xff" * 7 + bytes(20),
        b"DSD " + b"\xff" * 40,
        b"RIFF\xff\xff\xff\xf0WAVEdata\xff\xff\xff\xf0" + bytes(20),
        b"ID3\4\0\0\x7f\x7f\x7f\x7f" + bytes(20),
    ],
)
def test_sizes_that_no_file_has(save, data):
    for ending in ("m4a", "wav"):
        with pytest.raises(AudioError):
            load_audio(save(f"song.{ending}", data))


@pytest.mark.parametrize("ending", ["mp3", "ogg", "opus", "oga"])
def test_streams_joined_end_to_end_are_read_to_the_end(save, as_bytes, encode, tmp_path, ending):
    if ending == "oga":
        parts = [
            encode(tmp_path / f"{i}.oga", y, 48000, "flac", format="ogg").read_bytes()
            for i, y in enumerate([NOISE, 20 * TONE])
        ]
    else:
        kind = {"format": "OGG", "subtype": "OPUS"} if ending == "opus" else {}
        parts = [
            as_bytes(f"{i}.{ending}", y, 48000, **kind) for i, y in enumerate([NOISE, 20 * TONE])
        ]
    path = save(f"joined.{ending}", b"".join(parts))
    y = load_audio(path, sr=48000)
    assert len(y) == pytest.approx(2 * len(NOISE), abs=4000)
    middle = len(NOISE)
    assert np.abs(y[middle - 9000 : middle - 3000]).mean() > 0.25
    assert np.std(y[middle + 3000 : middle + 9000]) == pytest.approx(0.2 / 2**0.5, rel=0.1)
    assert "joined" in faults(path)
    assert_array_equal(load_audio(path, sr=48000, offset=2.0), y[96000:])


@pytest.mark.parametrize("ending", ["wav", "flac", "aiff", "caf", "w64", "m4a", "wma", "wv", "flv"])
def test_files_joined_of_which_one_would_be_lost_are_refused(
    save, as_bytes, encode, tmp_path, ending
):
    codecs = {"m4a": "aac", "wma": "wmav2", "wv": "wavpack", "flv": "aac"}
    if codec := codecs.get(ending):
        data = encode(tmp_path / f"one.{ending}", NOISE, 44100, codec).read_bytes()
    else:
        data = as_bytes(f"one.{ending}", NOISE)
    both = save(f"joined.{ending}", data + bytes(1000) + data)
    try:
        assert seconds(both) > 1.99 * seconds(tmp_path / f"one.{ending}")
    except AudioError as error:
        assert re.search("a second file|truncated", str(error))  # noqa: PT017 - either is right
    path = save(f"joined.{ending}", data + data)
    with pytest.raises(AudioError, match=rf"joined\.{ending}: .*a second file"):
        load_audio(path)
    assert faults(path)[0] == "joined"
    assert len(load_audio(path, duration=1.0)) == 22050


@pytest.mark.parametrize("ending", ["wav", "aiff"])
def test_a_file_that_was_cut_with_another_one_behind_is_refused(save, as_bytes, ending):
    data = as_bytes(f"one.{ending}", NOISE)
    path = save(f"cut.{ending}", data[: len(data) // 2] + data)
    with pytest.raises(AudioError, match=rf"cut\.{ending}: .*a second file"):
        load_audio(path)


def test_another_sample_rate_within_a_file_is_named(save, as_bytes):
    path = save("song.mp3", as_bytes("a.mp3", NOISE, 44100) + as_bytes("b.mp3", NOISE, 32000))
    with pytest.raises(AudioError, match="sample rate changes from 44100 to 32000 at 2"):
        load_audio(path)
    assert "joined" in faults(path)
    stereo = as_bytes("c.mp3", np.stack([NOISE, TONE], axis=1), 44100)
    path = save("channels.mp3", as_bytes("a.mp3", NOISE, 44100) + stereo)
    with pytest.raises(AudioError, match="number of channels changes from 1 to 2"):
        load_audio(path)


def with_sizes(wav, riff, data):
    at = wav.index(b"data") + 4
    return wav[:4] + struct.pack("<I", riff) + wav[8:at] + struct.pack("<I", data) + wav[at + 4 :]


@pytest.mark.parametrize(
    ("riff", "data"),
    [
        (0x7FFFF024, 0x7FFFF000),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x80000023, 0x7FFFFFFF),
        (0, 0),
        (36, 0),
        (0xFFFFFFFF, 0),
        (0, 0xFFFFFFFF),
    ],
)
def test_a_wav_from_a_pipe_is_read_to_its_end(save, as_bytes, riff, data):
    path = save("pipe.wav", with_sizes(as_bytes("a.wav", NOISE), riff, data))
    assert_allclose(load_audio(path, sr=SR), NOISE, atol=1e-4)
    assert faults(path) == []
    assert len(load_audio(path, sr=SR, offset=3.0)) == SR


def test_an_aiff_from_a_pipe_is_read_to_its_end(save, as_bytes):
    aiff = bytearray(as_bytes("a.aiff", NOISE))
    n = aiff.index(b"COMM") + 10
    ssnd = aiff.index(b"SSND") + 4
    for size in (0x7F000008, 0):
        aiff[4:8] = struct.pack(">I", size and size + 46)
        aiff[n : n + 4] = struct.pack(">I", size and 0x3F800000)
        aiff[ssnd : ssnd + 4] = struct.pack(">I", size)
        path = save("pipe.aiff", bytes(aiff))
        assert_allclose(load_audio(path, sr=SR), NOISE, atol=1e-4)


@pytest.mark.parametrize("behind", [b"TAG".ljust(128), bytes(5000), RNG.bytes(5000)])
def test_what_stands_behind_a_flac_does_not_matter(save, as_bytes, behind):
    flac = as_bytes("a.flac", NOISE)
    path = save("song.flac", flac + behind)
    assert_allclose(load_audio(path, sr=SR), NOISE, atol=1e-4)
    assert faults(path) == []
    with pytest.raises(AudioError, match="truncated"):
        load_audio(save("cut.flac", flac[:-100]))


def test_direct_stream_digital(save):
    blocks = b"\x69" * (2 * 8 * 4096)
    about = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 2, 2, 2822400, 1, 8 * 8 * 4096, 4096, 0)
    data = about + b"data" + struct.pack("<Q", 12 + len(blocks)) + blocks
    dsf = b"DSD " + struct.pack("<QQQ", 28, 28 + len(data), 0) + data
    assert len(load_audio(save("song.dsf", dsf), sr=352800)) == 8 * 4096
    with pytest.raises(AudioError, match="truncated"):
        load_audio(save("cut.dsf", dsf[:-9000]))


def test_a_flac_of_unknown_length(save, as_bytes):
    flac = bytearray(as_bytes("a.flac", NOISE))
    flac[21] &= 0xF0
    flac[22:26] = bytes(4)
    path = save("pipe.flac", bytes(flac))
    assert_allclose(load_audio(path, sr=SR), NOISE, atol=1e-4)
    with pytest.raises(AudioError, match="truncated"):
        load_audio(save("cut.flac", bytes(flac[: len(flac) // 2])))


def test_an_empty_wav_with_tags_behind_has_no_samples(save, as_bytes):
    data = as_bytes("a.wav", NOISE[:0]) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    with pytest.raises(AudioError, match="no samples"):
        load_audio(save("empty.wav", data))


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_ogg_that_was_cut_anywhere_is_refused(save, as_bytes, subtype):
    ogg = as_bytes("a.ogg", NOISE, 48000, format="OGG", subtype=subtype)
    for n in range(300, len(ogg), 211):
        with pytest.raises(AudioError, match=r"truncated|not readable"):
            load_audio(save("cut.ogg", ogg[:n]))
    with pytest.raises(AudioError, match="truncated"):
        load_audio(save("cut.ogg", ogg[:-1]), duration=0.1)


def test_alac_that_was_cut_anywhere_is_refused(save, as_bytes):
    caf = as_bytes("a.caf", NOISE, subtype="ALAC_16")
    for n in range(100, len(caf), 1777):
        with pytest.raises(AudioError):
            load_audio(save("cut.caf", caf[:n]))


@pytest.mark.parametrize("ending", ["wav", "flac"])
def test_opposite_channels_are_heard(tmp_path, ending):
    sf.write(tmp_path / f"song.{ending}", np.stack([NOISE, -0.5 * NOISE], axis=1), SR)
    assert_allclose(np.std(load_audio(tmp_path / f"song.{ending}")), np.std(NOISE) / 4, rtol=0.02)
    sf.write(tmp_path / f"song.{ending}", np.stack([NOISE, -NOISE], axis=1), SR)
    y = load_audio(tmp_path / f"song.{ending}")
    assert_allclose(np.std(y), np.std(NOISE), rtol=0.02)
    assert_array_equal(np.concatenate(list(read_blocks(tmp_path / f"song.{ending}"))), y)
    assert faults(tmp_path / f"song.{ending}") == ["opposite"]


def test_channels_that_cancel_in_part_are_averaged(tmp_path):
    sf.write(tmp_path / "song.wav", np.stack([NOISE, -0.5 * NOISE], axis=1), SR)
    assert_allclose(load_audio(tmp_path / "song.wav"), NOISE / 4, atol=1e-4)
    assert faults(tmp_path / "song.wav") == []


def test_a_quiet_tone_is_not_clipped(tmp_path):
    tone = np.sin(2 * np.pi * 100 * np.arange(3 * SR) / SR)
    for level in (0.1, 0.5, 0.9):
        sf.write(tmp_path / "tone.wav", level * tone, SR)
        assert faults(tmp_path / "tone.wav") == []
    sf.write(tmp_path / "tone.wav", np.clip(2 * tone, -1, 1), SR)
    assert faults(tmp_path / "tone.wav") == ["clipped"]


def test_a_small_file_may_not_take_the_memory(tmp_path, monkeypatch):
    silence = np.zeros(60 * 8000, dtype=np.int16)
    sf.write(tmp_path / "silence.flac", silence, 8000)
    monkeypatch.setattr("skgenre.audio._load.MAX_DECODED_BYTES", 4_000_000)
    with pytest.raises(AudioError, match=r"silence\.flac: .*size limit"):
        load_audio(tmp_path / "silence.flac", sr=22050)
    sf.write(tmp_path / "silence.ogg", silence, 8000)
    with pytest.raises(AudioError, match=r"silence\.ogg: .*size limit"):
        load_audio(tmp_path / "silence.ogg", sr=22050)


def test_blocks_of_a_low_sample_rate_are_small(tmp_path, monkeypatch):
    monkeypatch.setattr(_decode, "BLOCK_SAMPLES", 2**14)
    sf.write(tmp_path / "low.wav", np.zeros(60_000), 1000)
    with _decode.open_audio(tmp_path / "low.wav") as decoder:
        blocks = list(_decode.resample(_decode.decode(decoder, sr=SR), decoder, SR))
    assert sum(map(len, blocks)) == 60 * SR
    assert max(map(len, blocks)) < 1.5 * 2**14


def test_memory_that_does_not_suffice_names_the_file(tmp_path, monkeypatch):
    from skgenre.audio._libsndfile import SndfileDecoder

    sf.write(tmp_path / "song.wav", NOISE, SR)

    def fail(self, n):
        raise MemoryError

    monkeypatch.setattr(SndfileDecoder, "read", fail)
    with pytest.raises(AudioError, match=r"song\.wav: there is not enough memory"):
        load_audio(tmp_path / "song.wav")


def test_reasons_of_files_that_cannot_be_opened(tmp_path, monkeypatch):
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    with pytest.raises(AudioError, match="leads back to itself"):
        load_audio(tmp_path / "circle.wav")
    with pytest.raises(AudioError, match="the path is too long"):
        load_audio("x" * 5000)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AudioError, match="permission denied"):
        load_audio(tmp_path / "secret.wav")


def test_a_second_ogg_stream_is_read_or_missed(save, as_bytes):
    ogg = as_bytes("a.ogg", NOISE)
    for n in (20, 200, 300):
        path = save("joined.ogg", ogg + id3(b"OggS RIFF " * n) + ogg)
        try:
            assert seconds(path) == pytest.approx(8, abs=0.1)
        except AudioError as error:
            assert "another file" in str(error)  # noqa: PT017 - either is right
        assert "joined" in faults(path)


def test_wav_files_of_two_programs_joined(save, as_bytes):
    wav = as_bytes("a.wav", NOISE)
    other = wav[:12] + b"JUNK" + struct.pack("<I", 28) + bytes(28) + wav[12:]
    with pytest.raises(AudioError, match="a second file"):
        load_audio(save("joined.wav", wav + other))


@pytest.mark.parametrize(
    "first",
    [
        *("wav", "m4a", "mp3", "bare.mp3"),
        *[pytest.param(ending, marks=pytest.mark.slow) for ending in ("aiff", "mka", "wma")],
    ],
)
def test_files_of_two_kinds_joined_are_missed(save, cbr, as_bytes, encode, tmp_path, first):
    mp3 = {"mp3": cbr, "bare.mp3": without_first_frame(cbr)}
    codec = {"m4a": "aac", "mka": "flac", "wma": "wmav2"}.get(first)
    if codec:
        one = encode(tmp_path / f"one.{first}", NOISE, 44100, codec).read_bytes()
    else:
        one = mp3.get(first) or as_bytes(f"one.{first}", NOISE)
    others = [as_bytes("a.flac", NOISE), as_bytes("a.ogg", NOISE)]
    if first not in mp3:
        others += [cbr, id3(b"title") + cbr]
    for other in others:
        path = save(f"joined.{first}", one + other)
        with pytest.raises(AudioError, match="a second file"):
            load_audio(path)
        assert "joined" in faults(path)


def test_a_tag_behind_an_mp3_is_no_file(save, cbr):
    path = save("tagged.mp3", id3(b"title") + cbr + id3(b"a tag at the end"))
    assert seconds(path) == pytest.approx(4, abs=0.05)
    assert "joined" not in faults(path)


def test_nothing_is_written_to_standard_error(save, damaged_mp3, cbr, as_bytes, encode, capfd):
    wav = bytearray(as_bytes("a.wav", NOISE))
    wav[8:12] = b"XXXX"
    paths = [damaged_mp3, save("wav.mp3", bytes(wav)), save("junk.mp3", RNG.bytes(9000))]
    paths += [
        save("cut.mp3", cbr[:-50]),
        save("text.mp3", b"<html>" * 99),
        save("z.mp3", bytes(9999)),
    ]
    # whose chunks seem to go on beyond all that can be
    caf = encode(damaged_mp3.with_suffix(".caf"), NOISE, SR, "alac").read_bytes()
    paths.append(save("long.caf", caf + b"strg" + b"\x7f" + bytes(range(249, 256)) + bytes(99)))
    for path in paths:
        with suppress(AudioError):
            load_audio(path)
    assert capfd.readouterr() == ("", "")
