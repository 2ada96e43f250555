"""The code in the README runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

README = Path(__file__).parents[1] / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def folder(songs, tmp_path_factory):
    """Return a folder with what the README's code names: GTZAN, a music library and a song."""
    home = tmp_path_factory.mktemp("readme")
    of_two_genres = np.isin(songs[1], ["blues", "classical"])
    X, y = songs[0][of_two_genres], songs[1][of_two_genres]
    rng = np.random.RandomState(0)
    for i, (waveform, genre) in enumerate(zip(X, y, strict=True)):
        for root in ("genres_original", "my music"):
            (home / root / genre).mkdir(parents=True, exist_ok=True)
            noise = rng.normal(0, 1e-3, size=len(waveform))
            sf.write(home / root / genre / f"{genre}.{i * 4:05}.wav", waveform + noise, 22050)
    sf.write(home / "song.mp3", X[0], 22050)
    return home


def test_the_code_runs_in_order(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for i, block in enumerate(BLOCKS):
        exec(compile(block, f"README block {i}", "exec"), {})
        printed = capsys.readouterr().out
        assert ("print(" in block) == bool(printed)
        if "joblib.load" in block:
            assert re.search(r"\['(blues|classical)'\]", printed)
