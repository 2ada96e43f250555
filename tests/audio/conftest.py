import re

import av
import numpy as np
import pytest
import soundfile as sf

# what encoders without loss are given, which otherwise take the first format that they know
INTEGERS = {"alac": "s16p", "flac": "s16", "tta": "s16", "wavpack": "s16p"}


@pytest.fixture
def damaged_mp3(tmp_path):
    """Two seconds of noise as MP3, with a bit flipped in the side information of ten frames."""
    rng = np.random.RandomState(0)
    path = tmp_path / "damaged.mp3"
    sf.write(path, rng.uniform(-0.5, 0.5, 44100), 22050)
    data = bytearray(path.read_bytes())
    headers = [found.start() for found in re.finditer(b"\xff[\xf2\xf3]", data)]
    for at in headers[10:20]:
        data[at + 4 + rng.randint(9)] ^= 1 << rng.randint(8)
    path.write_bytes(data)
    return path


@pytest.fixture
def encode():
    """Return a function that writes a waveform with one of FFmpeg's encoders."""

    def write(path, y, sr, codec, *, with_video=False, **options):
        y = np.atleast_2d(np.asarray(y, dtype=np.float32))
        layout = {1: "mono", 2: "stereo"}[len(y)]
        with av.open(str(path), "w", **options) as container:
            video = container.add_stream("mpeg4", rate=10) if with_video else None
            if video:
                video.width = video.height = 32
                video.pix_fmt = "yuv420p"
            audio = container.add_stream(codec, rate=sr, layout=layout)
            audio.bit_rate = 128_000
            if codec in INTEGERS:
                audio.format = INTEGERS[codec]
            audio.codec_context.open()
            resampler = av.AudioResampler(
                audio.codec_context.format, layout, sr, audio.codec_context.frame_size or 1024
            )
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y), "fltp", layout)
            frame.sample_rate = sr
            for part in [*resampler.resample(frame), *resampler.resample(None), None]:
                container.mux([packet for packet in audio.encode(part) if packet.size])
            if video:
                for _ in range(int(10 * y.shape[1] / sr)):
                    picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                    container.mux(video.encode(picture))
                container.mux(video.encode(None))
        return path

    return write
