import csv
import io
import json
import os
import signal
from pathlib import Path

import pytest

from skgenre import load_model
from skgenre.tagging import look_at


@pytest.fixture
def songs(music):
    """Return the paths of two songs, in the order of the command."""
    return [music / "album" / "noise.flac", music / "tone.wav"]


@pytest.fixture
def genres(songs):
    """Return the genres of each of them, the most likely first."""
    clf = load_model("gtzan-10")
    order = clf.predict_proba(list(map(str, songs))).argsort(axis=1)[:, ::-1]
    return clf.classes_[order].tolist()


@pytest.fixture
def tag(skgenre, music, tmp_path):
    """Return a function that runs the command; it writes into files whatever it is sure of."""

    def run(*options, min_confidence=0):
        journal = ("--journal", tmp_path / "tags.jsonl")
        return skgenre("tag", music, *journal, "--min-confidence", min_confidence, *options)

    return run


def read_tags(songs, field="genre"):
    return [change.old for change in look_at(map(str, songs), field=field)]


def read_bytes(songs):
    return [(song.read_bytes(), song.stat().st_mtime_ns) for song in songs]


def test_without_apply_it_only_tells(tag, songs, genres, tmp_path):
    before = read_bytes(songs)
    done = tag("--format", "csv")
    assert done.status == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["path"], row["old"], row["new"], row["status"]) for row in rows] == [
        (str(song), "", of_song[0], "change") for song, of_song in zip(songs, genres, strict=True)
    ]
    assert "2 would change" in done.stderr
    assert "Add --apply to write" in done.stderr
    assert read_bytes(songs) == before
    assert not (tmp_path / "tags.jsonl").exists()


@pytest.mark.parametrize("options", [[], ["--keep-times"], ["--jobs", "1"], ["--field", "mood"]])
def test_applied_and_taken_back(tag, skgenre, songs, genres, tmp_path, options):
    before = read_bytes(songs)
    done = tag("--apply", "--top", "2", *options)
    assert (done.status, "2 written" in done.stderr) == (0, True)
    field = "mood" if "--field" in options else "genre"
    assert read_tags(songs, field) == [tuple(of_song[:2]) for of_song in genres]
    kept_times = [song.stat().st_mtime_ns for song in songs] == [time for _, time in before]
    assert kept_times == ("--keep-times" in options)
    again = tag("--apply", *options)
    assert (again.status, again.stdout.count(f"it has a {field}")) == (0, 2)
    undone = skgenre("tag", "--undo", tmp_path / "tags.jsonl")
    assert (undone.status, "2 restored" in undone.stderr) == (0, True)
    assert read_bytes(songs) == before
    assert "2 unchanged" in skgenre("tag", "--undo", tmp_path / "tags.jsonl").stderr


def test_what_it_is_not_sure_of_is_kept(tag, songs):
    done = tag("--apply", min_confidence=0.999)
    assert done.status == 0
    assert done.stdout.count("not sure enough") == 2
    assert read_tags(songs) == [(), ()]


def test_overwrite(tag, songs, genres):
    tag("--apply", "--top", "3")
    tag("--apply", "--overwrite")
    assert read_tags(songs) == [(of_song[0],) for of_song in genres]


def test_a_map_renames_and_leaves_out(tag, songs, genres, tmp_path):
    first, second = genres[0][:2]
    table = tmp_path / "map.csv"
    table.write_text(f'\ufeff{first},"Rock, & Röll"\n\n{second},\n', encoding="utf-8")
    tag("--apply", "--top", "2", "--map", table)
    assert read_tags(songs[:1]) == [("Rock, & Röll",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rock\n", "map.csv, line 1: give a genre, a comma and its new name"),
        ("\nrokc,Rock\n", "map.csv, line 2: the model has no genre rokc, only blues, classical"),
        ("rock,a\nrock,b\n", "map.csv, line 2: rock is there twice"),
    ],
)
def test_a_map_that_is_wrong(tag, songs, tmp_path, text, message):
    (tmp_path / "map.csv").write_text(text)
    done = tag("--apply", "--map", tmp_path / "map.csv")
    assert (done.status, done.stdout) == (2, "")
    assert message in done.stderr
    assert read_tags(songs) == [(), ()]


def test_files_that_cannot_be_read_or_written(tag, music, songs):
    (music / "broken.mp3").write_bytes(b"no music")
    (music / "cut.wav").write_bytes(songs[1].read_bytes()[:50])
    songs[0].chmod(0o444)
    done = tag("--apply", "--format", "json")
    assert done.status == 1
    rows = {os.path.basename(row["path"]): row for row in json.loads(done.stdout)}
    assert {name: row["status"] for name, row in rows.items()} == {
        "broken.mp3": "failed",
        "cut.wav": "failed",
        "noise.flac": "failed",
        "tone.wav": "written",
    }
    assert rows["noise.flac"]["reason"] == "it is read-only"
    assert all(row["reason"] for row in rows.values() if row["status"] == "failed")
    assert "3 failed" in done.stderr


def test_files_by_name_on_standard_input(skgenre, songs, tmp_path):
    odd = songs[1].with_name("new\nline.wav")
    songs[1].rename(odd)
    done = skgenre(
        *("tag", "-", "--null", "--min-confidence", 0, "--apply"),
        *("--journal", tmp_path / "tags.jsonl", "--quiet"),
        stdin=f"{songs[0]}\0{odd}\0",
    )
    assert (done.status, done.stderr) == (0, "")
    assert all(read_tags([songs[0], odd]))
    assert r"new\nline.wav" in done.stdout


def test_a_journal_of_its_own_name(skgenre, music, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = skgenre("tag", music, "--apply", "--min-confidence", 0)
    (journal,) = Path(tmp_path).glob("skgenre-tag-*.jsonl")
    assert f"skgenre tag --undo {journal.name}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give either PATH or --undo JOURNAL"),
        (["{music}", "--undo", "{song}"], "Give either PATH or --undo JOURNAL"),
        (["--undo", "{song}"], "is no journal of skgenre tag"),
        (["--undo", "{music}/nothing"], "nothing"),
        (["{music}", "--apply", "--journal", "{song}"], "looks like an audio file"),
        (["{music}", "--apply", "--journal", "{music}/no/j"], "There is no folder"),
        (["{music}", "--field", "title"], "Invalid value"),
        (["{music}", "--top", "0"], "Invalid value"),
        (["{music}", "--min-confidence", "70"], "Invalid value"),
    ],
)
def test_wrong_use(skgenre, music, songs, arguments, message):
    before = read_bytes(songs)
    named = [text.format(music=music, song=songs[1]) for text in arguments]
    zero = [] if "--min-confidence" in named or "--undo" in named else ["--min-confidence", 0]
    done = skgenre("tag", *named, *zero)
    assert done.status == 2
    assert message in done.stderr
    assert read_bytes(songs) == before


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL, "a reader that leaves"])
def test_ended_before_its_end(skgenre, start, music, songs, tmp_path, end):
    files = [songs[0].with_name(f"{i:02} é.flac") for i in range(40)]
    for file in files:
        file.write_bytes(songs[0].read_bytes())
    files += songs
    before = read_bytes(files)
    journal = tmp_path / "tags.jsonl"
    command = ["tag", music, "--apply", "--min-confidence", "0", "--journal", journal, "--quiet"]
    process = start(*command)
    process.stdout.readline()
    if end == "a reader that leaves":
        process.stdout.close()
    else:
        process.send_signal(end)
        process.stdout.read()
        process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    process.wait(60)
    status = {signal.SIGINT: 130, signal.SIGKILL: -signal.SIGKILL}.get(end, 0)
    assert process.returncode == status
    n_tagged = sum(map(bool, read_tags(files)))
    assert 1 <= n_tagged < len(files)
    assert skgenre("tag", "--undo", journal).status == 0
    assert read_bytes(files) == before
    assert {path for path in music.rglob("*") if path.is_file()} == {*files, music / "cover.jpg"}
