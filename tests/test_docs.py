"""The code in the README and in the documentation runs as it stands, and links lead somewhere."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile as sf

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
COMMAND_LINE = DOCS / "guide" / "command-line.md"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md")), *sorted(DOCS.glob("guide/*.md"))]
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
WITH_CODE = [page for page in PAGES if CODE.search(page.read_text(encoding="utf-8"))]
# endings, and how FFmpeg makes the files; without, libsndfile does
FORMATS = {
    **dict.fromkeys(("wav", "flac", "ogg", "aiff", "mp3")),
    **{"m4a": "aac", "mp4": "alac", "opus": "libopus", "wma": "wmav2", "wv": "wavpack"},
    **{"oga": "flac", "aif": "pcm_s16be"},
}


@pytest.fixture(scope="module")
def folder(songs, tmp_path_factory):
    """Return a folder with what the pages' code names: GTZAN, a music library and a song."""
    home = tmp_path_factory.mktemp("pages")
    # five of each genre, as many as the README's cross-validation has folds
    rows = np.concatenate([np.flatnonzero(songs[1] == g)[:5] for g in ("blues", "classical")])
    X, y = songs[0][rows], songs[1][rows]
    rng = np.random.RandomState(0)
    for i, (waveform, genre) in enumerate(zip(X, y, strict=True)):
        for root in ("genres_original", "my genres", "my music"):
            (home / root / genre).mkdir(parents=True, exist_ok=True)
            noise = rng.normal(0, 1e-3, size=len(waveform))
            sf.write(home / root / genre / f"{genre}.{i * 4:05}.wav", waveform + noise, 22050)
    sf.write(home / "song.mp3", X[0], 22050)
    return home


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_the_code_runs_in_order(page, folder, monkeypatch, capsys):
    if page.name == "wav2vec.md":
        pytest.importorskip("torch")
    monkeypatch.chdir(folder)
    for i, block in enumerate(CODE.findall(page.read_text(encoding="utf-8"))):
        exec(compile(block, f"{page.name} block {i}", "exec"), {"__name__": "__main__"})
        printed = capsys.readouterr().out
        assert ("print(" in block) == bool(printed)
        if "joblib.load" in block:
            assert re.search(r"\['(blues|classical)'\]", printed)


@pytest.fixture
def library(songs, encode, tmp_path):
    """Return a folder with what the commands name: songs in twelve formats, genres, and tables."""
    genres = ("blues", "classical")
    rows = np.ravel([np.flatnonzero(songs[1] == genre)[:6] for genre in genres], order="F")
    table = ["path,genre,artist"]
    (tmp_path / "my music").mkdir()
    for row, (ending, codec) in zip(rows, FORMATS.items(), strict=True):
        y, genre = np.tile(songs[0][row], 2), songs[1][row]
        path = tmp_path / "my music" / f"{genre} {row}.{ending}"
        if codec is None:
            sf.write(path, y, 22050)
        else:
            rate = 48000 if codec == "libopus" else 44100
            encode(path, np.repeat(y, 2), rate, codec)
        tags = mutagen.File(path, easy=True)
        if ending in ("mp3", "flac", "ogg", "m4a"):
            if tags.tags is None:
                tags.add_tags()
            tags["genre"] = genre
            tags.save()
        (tmp_path / "my genres" / genre).mkdir(parents=True, exist_ok=True)
        sf.write(tmp_path / "my genres" / genre / f"{row}.wav", y, 22050)
        table.append(f"my genres/{genre}/{row}.wav,{genre},{songs[2][row]}")
    (tmp_path / "songs.csv").write_text("\n".join(table))
    (tmp_path / "genre-names.csv").write_text("Blues,the blues\nclassical,classical music\n")
    sf.write(tmp_path / "song.mp3", songs[0][0], 22050)
    return tmp_path


@pytest.mark.slow
def test_the_commands_run_in_order(library):
    text = COMMAND_LINE.read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    named = {word for block in blocks for word in re.findall(r"skgenre (\w+)", block)}
    commands = {"predict", "train", "evaluate", "timeline", "tag", "check"}
    assert named >= commands
    sound = {path: path.read_bytes() for path in (library / "my music").iterdir()}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for block in blocks:
        done = subprocess.run(
            ["bash", "-e", "-c", block],
            cwd=library,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (block, done.stderr)
        assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in (library / "my music").iterdir()} == sound


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_to_other_files_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_result_is_on_the_page_of_measurements():
    text = (DOCS / "measured.md").read_text(encoding="utf-8")
    results = [path.name for path in (ROOT / "benchmarks" / "results").iterdir()]
    assert [name for name in results if name not in text and not name.endswith(".csv")] == []


def test_the_citation_is_of_this_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {project['version']}" in citation
    assert f"license: {project['license']}" in citation
