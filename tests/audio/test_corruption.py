"""Broken files, a small version of benchmarks/corruption.py that runs in this process."""

import os
import socket

import numpy as np
import pytest
import soundfile as sf

from skgenre.audio import AudioError, load_audio

SR = 22050
FORMATS = {
    "wav": [
        "PCM_U8",
        "PCM_16",
        "PCM_24",
        "PCM_32",
        "FLOAT",
        "DOUBLE",
        "ULAW",
        "IMA_ADPCM",
        "MS_ADPCM",
        "GSM610",
    ],
    "aiff": ["PCM_16", "DWVW_16"],
    "au": ["PCM_16", "FLOAT", "G721_32"],
    "caf": ["PCM_16", "ALAC_16"],
    "flac": ["PCM_16", "PCM_24"],
    "ogg": ["VORBIS", "OPUS"],
    "mp3": ["MPEG_LAYER_III"],
    "w64": ["PCM_16"],
    "rf64": ["PCM_16"],
}
KINDS = [(ending, subtype) for ending, subtypes in FORMATS.items() for subtype in subtypes]
CHANNELS = {"GSM610": 1, "DWVW_16": 1, "G721_32": 1}


def write_good(path, subtype):
    rng = np.random.RandomState(0)
    n_samples, sr = (6000, 24000) if subtype == "OPUS" else (5512, SR)
    y = rng.uniform(-0.5, 0.5, (n_samples, CHANNELS.get(subtype, 2)))
    sf.write(path, y, sr, subtype=subtype)


def corrupt(data, rng):
    """Yield broken copies of a file."""
    head = min(len(data), 300)
    for n in rng.randint(head, size=4):
        yield data[:n]
    for _ in range(4):
        yield data[: rng.randint(len(data))]
        broken = bytearray(data)
        for at in rng.randint(len(data), size=10):
            broken[at] ^= 1 << rng.randint(8)
        yield bytes(broken)
        broken = bytearray(data)
        at = rng.randint(head - 4)
        broken[at : at + 4] = [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"][
            rng.randint(3)
        ]
        yield bytes(broken)
        at = rng.randint(len(data))
        yield data[:at] + data[at + 500 :]
        yield data[:at] + rng.bytes(500) + data[at:]


def check(path, **part):
    """Return whether a file gives an array, and not an error that names it."""
    try:
        y = load_audio(path, sr=SR, **part)
    except AudioError as error:
        ((name, reason),) = error.failures.items()
        assert name == str(path)
        assert reason
        return False
    assert y.dtype == np.float32
    assert y.ndim == 1
    assert len(y)
    assert np.isfinite(y).all()
    return True


@pytest.mark.parametrize(("ending", "subtype"), KINDS)
def test_broken_files_give_an_array_or_an_error_that_names_them(tmp_path, capfd, ending, subtype):
    path = tmp_path / f"song.{ending}"
    write_good(path, subtype)
    assert check(path)
    rng = np.random.RandomState(1)
    for data in corrupt(path.read_bytes(), rng):
        path.write_bytes(data)
        check(path)
        check(path, duration=0.1)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("ending", "subtype"), KINDS)
def test_no_cut_file_is_read_as_if_it_were_whole(tmp_path, ending, subtype):
    path = tmp_path / f"song.{ending}"
    write_good(path, subtype)
    data = path.read_bytes()
    for share in (0.3, 0.6, 0.9):
        path.write_bytes(data[: int(share * len(data))])
        assert not check(path)


def test_strange_names(tmp_path):
    write_good(tmp_path / "good.wav", "PCM_16")
    data = (tmp_path / "good.wav").read_bytes()
    names = ["söng 曲.wav", "new\nline.wav", " .wav", "-.wav", "no ending", "wrong.mp3"]
    if os.name != "nt":
        names.append(os.fsdecode(b"\xff\xfe.wav"))
    for name in names:
        try:
            (tmp_path / name).write_bytes(data)
        except OSError:
            continue  # this file system takes no such name
        assert check(tmp_path / name)
        with pytest.raises(AudioError) as caught:
            load_audio(tmp_path / (name + "?"))
        assert list(caught.value.failures) == [str(tmp_path / (name + "?"))]


def test_what_holds_no_audio(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    (tmp_path / "link.wav").symlink_to("nowhere.wav")
    (tmp_path / "circle.wav").symlink_to("circle.wav")
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo("pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")
    names = ["link.wav", "circle.wav", "folder.wav", "pipe.wav", "socket.wav", "/dev/zero"]
    for name in [*names, "", "a\0b.wav", "x" * 5000, "\ud800.wav"]:
        assert not check(name)


def test_headerless_formats_are_not_guessed_from_the_ending(tmp_path):
    for ending in ("raw", "au", "gsm", "vox", "mp3"):
        path = tmp_path / f"noise.{ending}"
        path.write_bytes(np.random.RandomState(0).bytes(5000))
        assert not check(path)
