import re

import numpy as np
import pytest
import soundfile as sf


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
