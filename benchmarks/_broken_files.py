"""Good files of every format that a decoder reads, and the ways in which they are broken."""

import os
import socket
from pathlib import Path

import av
import numpy as np
import soundfile as sf

SR = 22050
HEADER = 512  # bytes that are cut at one by one and overwritten with extreme numbers
EXTREMES = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
HUGE = [1e6, 1e19, 1e25, -1e38, 1e300, np.inf, -np.inf, np.nan]

# What FFmpeg writes: the name in the table, the ending, the encoder and the muxer's options.
_OF_FFMPEG = [
    ("M4A AAC", "m4a", "aac", {}),
    ("M4A AAC, index first", "m4a", "aac", {"movflags": "faststart"}),
    ("M4A ALAC", "m4a", "alac", {}),
    ("MP4 AAC, fragments", "mp4", "aac", {"movflags": "frag_keyframe+empty_moov"}),
    ("MP4 AAC and video", "mp4", "aac", {}),
    ("MOV PCM", "mov", "pcm_s16be", {}),
    ("3GP AMR", "3gp", "libopencore_amrnb", {}),
    ("AMR", "amr", "libopencore_amrnb", {}),
    ("WMA 1", "wma", "wmav1", {}),
    ("WMA 2", "wma", "wmav2", {}),
    ("WebM Opus", "webm", "libopus", {}),
    ("MKA FLAC", "mka", "flac", {}),
    ("MKA Vorbis", "mka", "vorbis", {}),
    ("MKV AAC and video", "mkv", "aac", {}),
    ("MKV PCM", "mkv", "pcm_s16le", {}),
    ("Opus", "opus", "libopus", {}),
    ("OGG FLAC", "oga", "flac", {}),
    ("MP3, stereo", "mp3", "libmp3lame", {}),
    ("MP3, no header", "mp3", "libmp3lame", {"write_xing": "0"}),
    ("MP2", "mp2", "mp2", {}),
    ("AAC", "aac", "aac", {}),
    ("AC-3", "ac3", "ac3", {}),
    ("E-AC-3", "eac3", "eac3", {}),
    ("WavPack", "wv", "wavpack", {}),
    ("TTA", "tta", "tta", {}),
    ("CAF ALAC", "caf", "alac", {}),
    ("WAV MP3", "wav", "libmp3lame", {}),
    ("AVI MP3 and video", "avi", "libmp3lame", {}),
    ("AVI PCM", "avi", "pcm_s16le", {}),
    ("FLV AAC", "flv", "aac", {}),
    ("MPEG-TS AAC", "ts", "aac", {}),
    ("MPEG-TS MP2", "ts", "mp2", {}),
    ("MPEG-PS MP2", "mpg", "mp2", {}),
    ("RealMedia", "rm", "real_144", {}),
]

# Formats that say nothing of their length: a part that ends between two frames is a whole file.
CANNOT_TELL = {
    *("AC-3", "AMR", "AAC", "E-AC-3", "MP2", "MP3, no header"),
    *("MPEG-TS AAC", "MPEG-TS MP2", "MPEG-PS MP2", "RealMedia"),
    *("AVR", "IRCAM", "MAT4", "MAT5", "MPC2K", "NIST", "PAF", "PVF", "SDS", "SVX", "VOC"),
    *("WVE", "XI"),
}
# Formats of which a second file behind the first is not seen.
ONLY_FIRST = {"MAT4", "SDS"}


def good_files(folder):
    """Yield (name, ending, bytes) of a good file of each format."""
    for name in sorted(set(sf.available_formats()) - {"RAW", "SD2"}):
        for subtype in sorted(sf.available_subtypes(name)):
            data = _write_with_libsndfile(folder / f"good.{name.lower()}", name, subtype)
            if data is not None:
                yield f"{name} {subtype}", name.lower(), data
    for name, ending, codec, options in _OF_FFMPEG:
        yield name, ending, _write_with_ffmpeg(folder / f"good.{ending}", name, codec, options)


def _music(sr, seconds):
    t = np.arange(int(seconds * sr)) / sr
    noise = np.random.RandomState(0).uniform(-0.2, 0.2, len(t))
    return 0.5 * np.sin(2 * np.pi * 440 * t) + noise


def _write_with_libsndfile(path, name, subtype):
    """Write 0.5 s and return the bytes; None where libsndfile cannot or does not read it back."""
    sr = 24000 if subtype == "OPUS" else 8000 if subtype == "ALAW" and name == "WVE" else SR
    y = _music(sr, 0.5)
    for channels in (2, 1):
        try:
            sf.write(path, np.stack([y] * channels, axis=1), sr, format=name, subtype=subtype)
            sf.info(path)
        except (sf.LibsndfileError, ValueError, TypeError):
            continue
        return path.read_bytes()
    return None


def _write_with_ffmpeg(path, name, codec, options):
    """Write 1 s with the encoders that PyAV brings, and return the bytes."""
    sr = 8000 if codec in ("libopencore_amrnb", "real_144") else 48000
    if name.startswith("FLV"):
        sr = 44100
    layout = "mono" if sr == 8000 else "stereo"
    y = np.stack([_music(sr, 1.0)] * (1 if sr == 8000 else 2)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(y, "fltp", layout)
    frame.sample_rate, frame.pts = sr, 0
    with av.open(str(path), "w", options=options) as container:
        if name.endswith("video"):
            video = container.add_stream("mpeg4", rate=10, width=32, height=32)
            video.pix_fmt = "yuv420p"
        audio = container.add_stream(codec, rate=sr, layout=layout, options={"strict": "-2"})
        audio.bit_rate = {"libopencore_amrnb": 12_200, "real_144": 8000}.get(codec, 128_000)
        for part in (frame, None):
            # some encoders end with an empty packet, which not every muxer takes
            container.mux([packet for packet in audio.encode(part) if packet.size])
        if name.endswith("video"):
            for _ in range(10):
                picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                container.mux(video.encode(picture))
            container.mux(video.encode(None))
    return path.read_bytes()


def corrupt(data, rng, rounds):
    """Yield (how, broken bytes) of a good file."""
    head = min(len(data), HEADER)
    for n in sorted({*range(0, head, max(head // (4 * rounds), 1)), 1, 2, 3, 4, 12}):
        yield "cut in the header", data[:n]
    for _ in range(rounds):
        yield "cut", data[: rng.randint(len(data))]
        yield "cut near the end", data[: -rng.randint(1, 300)]
        broken = bytearray(data)
        for _ in range(rng.randint(1, 20)):
            broken[rng.randint(len(data))] ^= 1 << rng.randint(8)
        yield "flipped bits", bytes(broken)
        broken = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            broken[rng.randint(head)] ^= 1 << rng.randint(8)
        yield "flipped bits in the header", bytes(broken)
        broken = bytearray(data)
        size = int(rng.choice([2, 4, 8]))
        number = EXTREMES[rng.randint(len(EXTREMES))] % 256**size
        at = rng.randint(max(head - size, 1))
        broken[at : at + size] = number.to_bytes(size, str(rng.choice(["little", "big"])))
        yield "lying header", bytes(broken)
        at = rng.randint(len(data))
        yield "a piece missing", data[:at] + data[at + rng.randint(1, 3000) :]
        yield "a piece too much", data[:at] + rng.bytes(rng.randint(1, 3000)) + data[at:]
        yield "zeros in place", data[:at] + bytes(len(data[at : at + 2000])) + data[at + 2000 :]
        yield "prefixed with junk", rng.bytes(rng.randint(1, 3000)) + data
        yield "prefixed with zeros", bytes(rng.randint(1, 3000)) + data
        yield "prefixed with a tag", _id3(rng) + data
        yield "prefixed with a wrong tag", _id3(rng, rng.randint(-90, 3000)) + data
        yield "suffixed with junk", data + rng.bytes(rng.randint(1, 3000))
        yield "suffixed with a tag", data + b"TAG" + rng.bytes(125)
    yield "joined", data + data
    yield "joined with zeros between", data + bytes(rng.randint(1, 3000)) + data
    yield "joined with tags", _id3(rng) + data + _id3(rng) + data


def _id3(rng, n_wrong=0):
    """Return a tag full of the words that are looked for in music; its size may be wrong."""
    text = b"\0" + b"Xing Info VBRI fLaC OggS RIFF " * rng.randint(3, 100)
    body = b"TIT2" + len(text).to_bytes(4, "big") + bytes(2) + text
    size = len(body) + n_wrong
    return b"ID3\x03\0\0" + bytes(size >> shift & 127 for shift in (21, 14, 7, 0)) + body


def huge_floats(folder):
    """Yield (how, path) of float files of which samples cannot be computed with."""
    for subtype in ("FLOAT", "DOUBLE"):
        for number in HUGE:
            if subtype == "FLOAT" and np.isfinite(number) and abs(number) > 3e38:
                continue
            for n in (1, 1000, SR):
                y = _music(SR, 1.0).astype(np.float32 if subtype == "FLOAT" else np.float64)
                y[-n:] = number
                path = folder / "huge.wav"
                sf.write(path, y, SR, subtype=subtype)
                yield f"{n} samples of {number:g}", str(path)


def strange_files(folder, good):
    """Yield (how, path) of what is not a broken file but a strange one."""
    for ending in ("mp3", "flac", "ogg", "m4a", "txt", "raw", "au", "gsm", "vox", "sd2", ""):
        path = folder / f"wrong ending.{ending}"
        path.write_bytes(good)
        yield "wrong ending", str(path)
    for name in (
        "söng 曲 🎵.wav",
        "new\nline.wav",
        " .wav",
        "-rf.wav",
        os.fsdecode(b"\xff\xfe.wav"),
    ):
        Path(folder, name).write_bytes(good)
        yield "strange name", str(folder / name)
    (folder / "hollow.wav").touch()
    (folder / "folder.wav").mkdir()
    (folder / "broken link.wav").symlink_to("nowhere.wav")
    (folder / "circle.wav").symlink_to("circle.wav")
    (folder / "forbidden.wav").write_bytes(good)
    (folder / "forbidden.wav").chmod(0)
    os.mkfifo(folder / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.wav"))
    for name in ("hollow", "folder", "broken link", "circle", "forbidden", "pipe", "socket"):
        yield name, str(folder / f"{name}.wav")
    for device in ("/dev/zero", "/dev/null", "/dev/random", "/dev/tty"):
        yield "device", device
    for path in ("a\0b.wav", "", "x" * 5000, "\ud800.wav"):
        yield "impossible path", path
