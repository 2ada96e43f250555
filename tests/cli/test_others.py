"""The commands that look, and change nothing."""

import csv
import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from skgenre import model_card
from skgenre.audio._faults import examine_isolated
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
def heard(monkeypatch):
    """Return a list of the songs that are heard from now on."""
    heard = []

    def examine(workers, path, timeout):
        heard.append(Path(path).name)
        return examine_isolated(workers, path, timeout)

    monkeypatch.setattr("skgenre.audio._faults.examine_isolated", examine)
    return heard


def stop_at_the_end(monkeypatch, skgenre, *arguments):
    """Run a check whose songs are all heard when Ctrl-C comes."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("skgenre.audio._faults.name_faults", stop)
        assert skgenre("check", *arguments).status == 130


def test_a_check_goes_on_where_it_was_stopped(skgenre, music, tmp_path, heard, monkeypatch):
    (music / "again.wav").write_bytes((music / "tone.wav").read_bytes())
    (music / "broken.mp3").write_bytes(b"no music")
    whole, out = tmp_path / "whole.csv", tmp_path / "faults.csv"
    kept = tmp_path / "faults.csv.unfinished"
    skgenre("check", music, "--output", whole)
    stop_at_the_end(monkeypatch, skgenre, music, "--output", out, "--jobs", 1)
    assert not out.exists()
    with open(kept, "rb+") as file:
        file.truncate(kept.stat().st_size - 2)
    (music / "broken.mp3").write_bytes(b"still no music")
    heard.clear()
    done = skgenre("check", music, "--output", out, "--resume")
    assert sorted(heard) == ["broken.mp3", "tone.wav"]
    assert done.status == 1
    assert done.stderr.startswith("Note: 2 of 4 files already checked by an earlier run\n4 files, ")
    assert out.read_text() == whole.read_text()
    assert not kept.exists()
    heard.clear()
    assert skgenre("check", music, "--output", out, "--resume", "--quiet").stderr == ""
    assert len(heard) == 4


def test_a_check_that_is_not_resumed_begins_anew(skgenre, music, tmp_path, heard, monkeypatch):
    out = tmp_path / "faults.csv"
    stop_at_the_end(monkeypatch, skgenre, music, "--output", out)
    heard.clear()
    assert skgenre("check", music, "--output", out).status == 0
    assert len(heard) == 2


def test_a_check_gives_more_time_to_what_took_too_long(
    skgenre, music, tmp_path, heard, monkeypatch
):
    out = tmp_path / "faults.csv"
    stop_at_the_end(monkeypatch, skgenre, music, "--output", out, "--timeout", 0.001)
    heard.clear()
    assert skgenre("check", music, "--output", out, "--resume").status == 0
    assert len(heard) == 2


def test_a_check_that_cannot_go_on(skgenre, music, tmp_path):
    done = skgenre("check", music, "--resume")
    assert (done.status, done.stdout) == (2, "")
    assert "--resume needs the --output of the interrupted run" in done.stderr
    (tmp_path / "faults.csv.unfinished").write_text("a poem")
    for resume in ([], ["--resume"]):
        done = skgenre("check", music, "--output", tmp_path / "faults.csv", *resume)
        assert done.status == 2
        assert "faults.csv.unfinished is in the way" in done.stderr
    assert (tmp_path / "faults.csv.unfinished").read_text() == "a poem"
    assert not (tmp_path / "faults.csv").exists()


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
    assert " 0:04 to  0:08        silence" in table


def test_a_timeline_is_drawn(skgenre, mix, tmp_path):
    assert skgenre("timeline", mix, "--plot", tmp_path / "mix.png").status == 0
    assert (tmp_path / "mix.png").read_bytes().startswith(b"\x89PNG")


def test_a_plot_without_matplotlib_is_refused_at_once(skgenre, mix, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    done = skgenre("timeline", mix, "--plot", tmp_path / "mix.png")
    assert (done.status, done.stdout) == (2, "")
    assert "skgenre[plot]" in done.stderr


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
        (["--plot", "mix.wav"], "--plot looks like an audio file"),
        (["--output", "mix.wav"], "--output looks like an audio file"),
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


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("form", ["csv", "table", "json"])
def test_a_full_disk_is_named(skgenre, music, form):
    done = skgenre("predict", music / "tone.wav", "--output", "/dev/full", "--format", form)
    assert done.status == 2
    assert "Error: /dev/full: No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("command", "option", "path"),
    [
        (["predict"], "--output", "there.csv"),
        (["check"], "--output", "closed/new.csv"),
        (["tag", "--apply"], "--journal", "closed/new.jsonl"),
        (["tag", "--apply"], None, "skgenre-tag-"),
    ],
)
def test_a_place_without_permission_is_told_at_once(
    skgenre, music, monkeypatch, command, option, path
):
    monkeypatch.chdir(music)
    (music / "closed").mkdir()
    (music / "there.csv").touch()
    closed = {music / "closed", music / "there.csv"}
    # as it is for whoever is not root
    monkeypatch.setattr(
        os, "access", lambda place, mode: mode != os.W_OK or Path(place).absolute() not in closed
    )
    if option is None:
        monkeypatch.chdir(music / "closed")
    done = skgenre(*command, music, *([option, path] if option else []))
    assert (done.status, done.stdout) == (2, "")
    assert f"There is no permission to write {path}" in done.stderr


def test_one_file_is_one_file(skgenre, music):
    assert skgenre("check", music / "tone.wav").stderr.startswith("1 file, ")
