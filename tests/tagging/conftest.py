"""Songs of all formats that hold tags, with a title, artists and a cover."""

import struct

import mutagen
import numpy as np
import pytest
import soundfile as sf
from mutagen import apev2, asf, flac, id3, mp4

SR = 44100
NAMES = [
    *("v22.mp3", "v23.mp3", "v24.mp3", "v1.mp3", "bare.mp3", "ape.mp3", "layer2.mp2", "adts.aac"),
    *("a.flac", "b.ogg", "c.opus", "d.m4a", "e.wma", "f.ape", "g.wv", "h.tta", "i.aiff", "j.wav"),
    "k.dsf",
]
PICTURE = bytes(range(256)) * 8
LIBSNDFILE = {"a.flac", "b.ogg", "i.aiff", "j.wav"}
CODECS = {
    ".mp3": "libmp3lame",
    ".mp2": "mp2",
    ".opus": "libopus",
    ".m4a": "aac",
    ".wma": "wmav2",
    ".wv": "wavpack",
    ".tta": "tta",
}


@pytest.fixture(scope="session")
def made():
    """Return a dict for the bytes of songs, so that each is encoded once."""
    return {}


@pytest.fixture
def make_song(tmp_path, encode, made):
    """Return a function that makes a song of a name in `NAMES`, with tags but no genre."""
    y = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SR // 5)).astype(np.float32)

    def make(name, folder=tmp_path):
        path = folder / name
        if name in made:
            path.write_bytes(made[name])
            return path
        if name == "f.ape":
            path.write_bytes(make_ape())
        elif name == "k.dsf":
            path.write_bytes(make_dsf())
        elif name in LIBSNDFILE:
            sf.write(path, y.T, SR)
        elif name == "adts.aac":
            encode(path, y, SR, "aac", format="adts")
        else:
            encode(path, y, 48000 if path.suffix == ".opus" else SR, CODECS[path.suffix])
        strip(path)
        add_tags(path)
        made[name] = path.read_bytes()
        return path

    return make


def strip(path):
    """Take out what encoders wrote of themselves."""
    if path.suffix in (".mp3", ".mp2", ".tta"):
        id3.delete(path)


def add_tags(path):
    if path.name in ("bare.mp3", "adts.aac"):
        return
    if path.name == "v22.mp3":
        path.write_bytes(make_id3v22() + path.read_bytes())
    elif path.name == "v1.mp3":
        tag = b"TAG" + b"Song".ljust(30, b"\0") + b"Me".ljust(30, b"\0") + bytes(64) + b"\xff"
        path.write_bytes(path.read_bytes() + tag)
    elif path.name == "ape.mp3" or path.suffix in (".ape", ".wv"):
        tags = apev2.APEv2()
        tags.update({"Title": "Söng", "Artist": ["Me", "You"], "Genre": []})
        tags["Cover Art (Front)"] = apev2.APEValue(b"cover.png\0" + PICTURE, apev2.BINARY)
        del tags["Genre"]
        tags.save(path)
    elif path.suffix in (".mp3", ".mp2", ".tta", ".aiff", ".wav", ".dsf"):
        add_id3(path, 3 if path.name == "v23.mp3" else 4)
    elif path.suffix == ".m4a":
        song = mp4.MP4(path)
        song.update({"\xa9nam": "Söng", "\xa9ART": ["Me", "You"], "trkn": [(1, 2)]})
        song["covr"] = [mp4.MP4Cover(PICTURE, mp4.MP4Cover.FORMAT_PNG)]
        song["----:com.apple.iTunes:LABEL"] = [b"one", b"two"]
        song.save()
    elif path.suffix == ".wma":
        song = asf.ASF(path)
        song.update({"Title": "Söng", "Author": ["Me", "You"], "WM/Year": 2001})
        song["WM/Picture"] = asf.ASFByteArrayAttribute(PICTURE)
        song.save()
    else:
        song = mutagen.File(path)
        song.update({"TITLE": "Söng", "ARTIST": ["Me", "You"]})
        if path.suffix == ".flac":
            picture = flac.Picture()
            picture.data = PICTURE
            song.add_picture(picture)
        song.save()


def add_id3(path, version):
    song = mutagen.File(path)
    if song.tags is None:
        song.add_tags()
    song.tags.add(id3.TIT2(encoding=1, text="Söng"))
    song.tags.add(id3.TPE1(encoding=1, text=["Me", "You"]))
    song.tags.add(id3.TXXX(encoding=1, desc="LABEL", text="one"))
    song.tags.add(id3.APIC(encoding=0, mime="image/png", type=3, data=PICTURE))
    song.tags.add(id3.PRIV(owner="me", data=b"\xff\xfe\xff\x00\xff"))
    song.save(path, v2_version=version, v23_sep=None)


def make_id3v22():
    def frame(name, body):
        return name + len(body).to_bytes(3, "big") + body

    body = frame(b"TT2", b"\0Song\0") + frame(b"PIC", b"\0PNG\3\0" + PICTURE) + bytes(64)
    return b"ID3\2\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def make_ape():
    """Return a file as Monkey's Audio lays it out, of three frames that nobody decodes."""
    sound = np.random.default_rng(1).bytes(3000)
    start = 52 + 24 + 12
    descriptor = struct.pack("<2H7I", 3990, 0, 52, 24, 12, 0, len(sound), 0, 0) + bytes(16)
    header = struct.pack("<2H3I2HI", 2000, 0, 73728, 73728, 3, 16, 2, SR)
    seek_table = struct.pack("<3I", start, start + 1000, start + 2000)
    return b"MAC " + descriptor + header + seek_table + sound


def make_dsf():
    """Return a file of one block of one-bit samples for each of two channels."""
    sound = np.random.default_rng(1).bytes(2 * 4096)
    about = struct.pack("<Q6I", 52, 1, 0, 2, 2, 2822400, 1) + struct.pack("<Q2I", 8 * 4096, 4096, 0)
    body = b"fmt " + about + b"data" + struct.pack("<Q", 12 + len(sound)) + sound
    return b"DSD " + struct.pack("<3Q", 28, 28 + len(body), 0) + body


@pytest.fixture(params=NAMES)
def song(request, make_song):
    """Return the path of a song of each kind."""
    return str(make_song(request.param))
