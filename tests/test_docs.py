"""The code in the README and in the documentation runs as it stands, and links lead somewhere."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ALL_PAGES = [*sorted(ROOT.glob("*.md")), *PAGES[1:]]


@pytest.fixture(scope="module")
def folder(songs, tmp_path_factory):
    """Return a folder with what the pages' code names: GTZAN, a music library and a song."""
    home = tmp_path_factory.mktemp("pages")
    # five of each genre, as many as the README's cross-validation has folds
    rows = np.concatenate([np.flatnonzero(songs[1] == g)[:5] for g in ("blues", "classical")])
    X, y = songs[0][rows], songs[1][rows]
    rng = np.random.RandomState(0)
    for i, (waveform, genre) in enumerate(zip(X, y, strict=True)):
        for root in ("genres_original", "my music"):
            (home / root / genre).mkdir(parents=True, exist_ok=True)
            noise = rng.normal(0, 1e-3, size=len(waveform))
            sf.write(home / root / genre / f"{genre}.{i * 4:05}.wav", waveform + noise, 22050)
    sf.write(home / "song.mp3", X[0], 22050)
    return home


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_runs_in_order(page, folder, monkeypatch, capsys):
    if page.name == "wav2vec.md":
        pytest.importorskip("torch")
    monkeypatch.chdir(folder)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for i, block in enumerate(blocks):
        exec(compile(block, f"{page.name} block {i}", "exec"), {"__name__": "__main__"})
        printed = capsys.readouterr().out
        assert ("print(" in block) == bool(printed)
        if "joblib.load" in block:
            assert re.search(r"\['(blues|classical)'\]", printed)


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_links_to_other_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project['version']}" in citation
    assert f"license: {project['license']}" in citation
