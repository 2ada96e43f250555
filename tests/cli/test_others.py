"""The commands that look, and change nothing."""

import csv
import io
import json

import numpy as np
import pytest
import soundfile as sf

from skgenre import model_card
from skgenre.recipes import RECIPES

SR = 22050


def test_the_version_and_the_recipes(skgenre):
    assert skgenre("--version").stdout.startswith("skgenre 0")
    lines = skgenre("recipes").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)


@pytest.mark.parametrize("command", ["predict", "train", "evaluate", "timeline", "check", "info"])
def test_help_has_an_example(skgenre, command):
    done = skgenre(command, "--help")
    assert done.status == 0
    assert f"Example: skgenre {command} " in " ".join(done.stdout.split())


def test_the_card_of_a_model(skgenre):
    assert skgenre("info", "gtzan-10").stdout == model_card("gtzan-10")


def test_faults(skgenre, music):
    (music / "again.wav").write_bytes((music / "tone.wav").read_bytes())
    (music / "broken.mp3").write_bytes(b"no music")
    done = skgenre("check", music, "--format", "json")
    assert done.status == 1
    faults = {(row["path"], row["fault"]) for row in json.loads(done.stdout)}
    assert (str(music / "broken.mp3"), "unreadable") in faults
    assert (str(music / "tone.wav"), "duplicate") in faults
    assert done.stderr.startswith("4 files, ")


@pytest.fixture
def mix(tmp_path):
    """Return a file of noise, silence, a tone and half a second more of it."""
    rng = np.random.default_rng(0)
    seconds = np.arange(round(4.5 * SR)) / SR
    parts = [
        rng.uniform(-0.5, 0.5, 4 * SR),
        np.zeros(4 * SR),
        0.5 * np.sin(2 * np.pi * 440 * seconds),
    ]
    sf.write(tmp_path / "mix.wav", np.concatenate(parts), SR)
    return tmp_path / "mix.wav"


def test_a_timeline_tells_when_genres_change(skgenre, mix):
    done = skgenre("timeline", mix, "--window", 2, "--format", "csv")
    assert (done.status, done.stderr) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["end"] for row in rows[:-1]] == [row["start"] for row in rows[1:]]
    assert (rows[0]["start"], rows[-1]["end"]) == ("0.0", "12.5")
    (silence,) = [row for row in rows if not row["genre"]]
    assert (silence["start"], silence["end"]) == ("4.0", "8.0")
    table = skgenre("timeline", mix, "--window", 2).stdout
    assert " 0:04 to  0:08        nothing to hear" in table


def test_a_timeline_is_drawn(skgenre, mix, tmp_path):
    assert skgenre("timeline", mix, "--plot", tmp_path / "mix.png").status == 0
    assert (tmp_path / "mix.png").read_bytes().startswith(b"\x89PNG")


def test_a_timeline_of_a_file_that_cannot_be_read(skgenre, tmp_path):
    done = skgenre("timeline", tmp_path / "gone.mp3")
    assert done.status == 1
    assert "no such file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--plot", "."], "--plot is a folder"),
        (["--plot", "no/mix.png"], "There is no folder no"),
        (["--plot", "mix.xyz"], "--plot needs a name that ends in .png"),
        (["--plot", "mix.wav"], "--plot has a name like music"),
        (["--output", "mix.wav"], "--output has a name like music"),
    ],
)
def test_a_timeline_that_cannot_be_written_is_told_at_once(
    skgenre, mix, monkeypatch, arguments, says
):
    monkeypatch.chdir(mix.parent)
    before = mix.read_bytes()
    done = skgenre("timeline", mix, *arguments)
    assert (done.status, done.stdout) == (2, "")
    assert says in done.stderr
    assert mix.read_bytes() == before


def test_one_file_is_one_file(skgenre, music):
    assert skgenre("check", music / "tone.wav").stderr.startswith("1 file, ")
