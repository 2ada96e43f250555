import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from mutagen.flac import FLAC

from skgenre import SelectiveClassifier, export_model, load_model, make_genre_classifier
from skgenre.persistence import model_card

pytest.importorskip("skl2onnx")
LINEAR = ["--recipe", "linear", "--duration", 1.5]


@pytest.fixture
def table(song_files, tmp_path):
    """Return a table of songs with genres and artists."""
    paths, genres, artists = song_files
    columns = {"path": paths, "genre": genres, "artist": artists}
    pd.DataFrame(columns).to_csv(tmp_path / "songs.csv", index=False)
    return tmp_path / "songs.csv"


def test_a_model_file_is_trained_and_judged(skgenre, table, song_files, tmp_path):
    out = tmp_path / "model.onnx"
    done = skgenre("train", table, "--output", out, *LINEAR)
    assert (done.status, done.stderr) == (0, "")
    assert "24 songs of 4 genres by 12 artists:" in done.stdout
    assert "Correct for" in done.stdout
    assert f"skgenre predict --model {out} PATH" in done.stdout
    clf = load_model(out)
    assert clf.classes_.tolist() == sorted(set(song_files[1]))
    assert clf.model.info.learned_from == {"n_songs": 24, "n_artists": 12}
    (score,) = clf.model.info.scores
    assert score["protocol"] == "artist"
    assert f"Correct for {score['accuracy']:.0%} of songs" in done.stdout
    assert "24 songs by 12 artists" in model_card(out)
    again = tmp_path / "again.onnx"
    skgenre("train", table, "--output", again, *LINEAR)
    paths = list(song_files[0][:4])
    np.testing.assert_array_equal(load_model(again).predict_proba(paths), clf.predict_proba(paths))


def test_files_that_cannot_be_read_are_told_and_the_rest_is_learned(skgenre, table, tmp_path):
    songs = pd.read_csv(table)
    songs.loc[24] = [str(tmp_path / "broken.mp3"), "blues", "somebody"]
    (tmp_path / "broken.mp3").write_bytes(b"no music")
    songs.to_csv(table, index=False)
    out = tmp_path / "model.onnx"
    done = skgenre("train", table, "--output", out, *LINEAR, "--no-evaluate")
    assert done.status == 1
    assert "24 songs of 4 genres" in done.stdout
    assert f"  {tmp_path / 'broken.mp3'}: " in done.stdout
    assert "Accuracy not measured, because of --no-evaluate" in done.stdout
    assert load_model(out).model.info.learned_from["n_songs"] == 24


def test_folders_without_artists(skgenre, song_files, tmp_path):
    root = tmp_path / "genres"
    for path, genre in zip(*song_files[:2], strict=True):
        (root / genre).mkdir(parents=True, exist_ok=True)
        (root / genre / path.split("/")[-1]).symlink_to(path)
    done = skgenre("train", root, "-o", tmp_path / "model.onnx", *LINEAR)
    assert done.status == 0
    assert "The artists are unknown" in done.stdout
    assert load_model(tmp_path / "model.onnx").model.info.learned_from["n_artists"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--recipe", "no-such"], "There is no recipe 'no-such'"),
        (["--output", "no/such/folder.onnx"], "There is no folder no/such"),
    ],
)
def test_wrong_use_is_told_before_anything_is_heard(skgenre, table, tmp_path, arguments, says):
    done = skgenre("train", table, "--output", tmp_path / "model.onnx", *arguments)
    assert done.status == 2
    assert says in done.stderr
    assert done.stdout == ""


def test_recipes_are_compared(skgenre, table, tmp_path):
    page = tmp_path / "page.html"
    done = skgenre("evaluate", table, *LINEAR, "--recipe", "knn", "--report", page)
    assert done.status == 0
    assert done.stderr == f"Written: {page}\n"
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["estimator", "protocol", "leakage"]
    assert {line.split()[0] for line in lines[1:]} == {"linear", "knn"}
    assert all(line.split()[1:3] == ["artist", "clean"] for line in lines[1:])
    text = page.read_text()
    assert text.count("<img") == 3
    assert "linear" in text


def test_a_report_without_matplotlib_is_refused_at_once(skgenre, table, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    done = skgenre("evaluate", table, *LINEAR, "--report", tmp_path / "page.html")
    assert (done.status, done.stdout) == (2, "")
    assert "skgenre[plot]" in done.stderr


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        ([], "does not say which songs it was trained on"),
        (["--seen"], "says nothing about new ones"),
    ],
)
def test_a_model_file_is_judged_as_it_is(skgenre, table, song_files, tmp_path, seen, says):
    out = tmp_path / "model.onnx"
    skgenre("train", table, "--output", out, *LINEAR, "--no-evaluate")
    done = skgenre("evaluate", table, "--model", out, *seen)
    assert done.status == 0
    assert says in done.stderr
    accuracy = load_model(out).score(song_files[0], song_files[1])
    assert f"{accuracy:.3f}".rstrip("0") in done.stdout


def test_songs_that_a_model_is_not_sure_of_count_as_wrong(skgenre, table, song_files, tmp_path):
    paths, genres, _ = song_files
    clf = SelectiveClassifier(
        make_genre_classifier("linear", duration=1.5), target_precision=0.3
    ).fit(paths, genres)
    confidence = np.sort(clf.predict_proba(paths).max(axis=1))
    clf.threshold_ = float(confidence[5:7].mean())
    export_model(clf, tmp_path / "model.onnx")
    done = skgenre("evaluate", table, "--model", tmp_path / "model.onnx", "--seen")
    assert done.status == 0
    assert "not sure of 6 of 24 songs and answered 'unknown', which counts as wrong" in done.stderr


def test_either_a_model_or_recipes(skgenre, table):
    for arguments in ([], ["--model", "gtzan-10", *LINEAR]):
        done = skgenre("evaluate", table, *arguments)
        assert done.status == 2
        assert "give either --model or --recipe" in " ".join(done.stderr.split())


def test_a_score_is_told_only_of_enough_songs(skgenre, table, tmp_path):
    songs = pd.read_csv(table).assign(artist="the only one")
    songs.to_csv(table, index=False)
    done = skgenre("train", table, "-o", tmp_path / "model.onnx", *LINEAR)
    assert done.status == 0
    assert "24 songs of 4 genres by 1 artist:" in done.stdout
    assert "Accuracy not measured: it takes songs by 5 artists or more." in done.stdout
    done = skgenre("evaluate", table, *LINEAR)
    assert done.status == 2
    assert "it takes songs by 5 artists or more" in done.stderr


@pytest.mark.parametrize(
    ("command", "option", "path", "says"),
    [
        ("train", "--output", "songs.csv", "songs.csv is an input, and would be overwritten"),
        ("train", "--output", "song.mp3", "--output looks like an audio file"),
        ("train", "--output", ".", "--output is a folder"),
        ("evaluate", "--report", "songs.csv", "songs.csv is an input, and would be overwritten"),
        ("evaluate", "--report", "song.flac", "--report looks like an audio file"),
        ("evaluate", "--report", ".", "--report is a folder"),
        ("evaluate", "--report", "no/page.html", "There is no folder no to write page.html to"),
    ],
)
def test_what_is_read_is_not_written_over(
    skgenre, table, tmp_path, monkeypatch, command, option, path, says
):
    monkeypatch.chdir(tmp_path)
    before = table.read_bytes()
    done = skgenre(command, table, option, path, *LINEAR)
    assert (done.status, done.stdout) == (2, "")
    assert says in done.stderr
    assert table.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seed", -1], "'--seed'"),
        (["--jobs", 0], "'--jobs'"),
        (["--duration", 1e11], "'--duration'"),
        (["--recipe", "metadata"], "from Python only"),
        (["--recipe", "svm"], "'svm' needs at least 1.9 seconds of each clip"),
    ],
)
def test_options_that_cannot_be_are_told_before_anything_is_heard(
    skgenre, table, tmp_path, arguments, says
):
    done = skgenre("train", table, "-o", tmp_path / "model.onnx", *LINEAR, *arguments)
    assert (done.status, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_genre_that_no_model_file_takes_is_told_before_anything_is_heard(
    skgenre, table, tmp_path, song_files
):
    root = tmp_path / "genres"
    for genre, songs in (("blues", song_files[0][:2]), ("new\nline", song_files[0][2:4])):
        (root / genre).mkdir(parents=True)
        for song in songs:
            (root / genre / song.split("/")[-1]).symlink_to(song)
    done = skgenre("train", root, "-o", tmp_path / "model.onnx", *LINEAR)
    assert (done.status, done.stdout) == (2, "")
    assert r"The genre new\nline has invisible characters" in done.stderr


def test_why_no_song_could_be_learned_from(skgenre, tmp_path):
    for genre in ("blues", "rock"):
        (tmp_path / "genres" / genre).mkdir(parents=True)
        for i in range(2):
            (tmp_path / "genres" / genre / f"{i}.mp3").write_bytes(b"no music %d" % i)
    done = skgenre("train", tmp_path / "genres", "-o", tmp_path / "model.onnx", *LINEAR)
    assert done.status == 2
    assert "4 cannot be read, such as " in done.stderr
    assert "not readable as audio" in done.stderr


@pytest.fixture
def tagged(song_files, tmp_path):
    """Return a folder of songs whose genres stand in their tags, with the artists as folders."""
    root = tmp_path / "library"
    for path, genre, artist in zip(*song_files, strict=True):
        song = root / artist / f"{Path(path).stem}.flac"
        song.parent.mkdir(parents=True, exist_ok=True)
        sf.write(song, *sf.read(path))
        tags = FLAC(song)
        tags["genre"] = genre
        tags.save()
    return root


def test_a_map_renames_joins_and_leaves_out_genres(skgenre, table, tagged, song_files, tmp_path):
    first, second, third, fourth = sorted(set(song_files[1]))
    names = tmp_path / "names.csv"
    names.write_text(
        f'\ufeff{first.upper()};"Röck; & Roll"\n{second};pop\n\n{third};pop\n{fourth};\n'
    )
    linear = [*LINEAR, "--no-evaluate", "--map", names]
    sources = [(table, []), (tagged, ["--genre-from", "tag", "--artist-from", "folder"])]
    for i, (source, where) in enumerate(sources):
        out = tmp_path / f"{i}.onnx"
        done = skgenre("train", source, *where, "--output", out, *linear)
        assert (done.status, done.stderr) == (0, "")
        assert load_model(out).classes_.tolist() == ["Röck; & Roll", "pop"]
        assert "18 songs of 2 genres by 9 artists:" in done.stdout
        done = skgenre("evaluate", source, *where, "--model", out)
        assert done.status == 2
        assert "rename these with --map, or leave them out" in done.stderr
        assert skgenre("evaluate", source, *where, "--model", out, "--map", names).status == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rock\n", "names.csv, line 1: give a genre, a comma and its new name"),
        ("rock,a,b\n", "names.csv, line 1: give a genre, a comma and its new name"),
        ("\nHip-Hop,a\nhip hop,b\n", "names.csv, line 3: hip hop is there twice"),
        ('"rock,a\n', "names.csv is not a CSV file"),
        ("rock,\udcff\n", "names.csv is not in UTF-8"),
    ],
)
def test_a_map_that_is_wrong_is_told_before_anything_is_heard(skgenre, table, tmp_path, text, says):
    names = tmp_path / "names.csv"
    names.write_text(text, errors="surrogateescape")
    done = skgenre("train", table, "-o", tmp_path / "model.onnx", *LINEAR, "--map", names)
    assert (done.status, done.stdout) == (2, "")
    assert says in done.stderr


def test_the_map_is_not_written_over(skgenre, table, tmp_path):
    names = tmp_path / "names.csv"
    names.write_text("blues,Blues\n")
    done = skgenre("train", table, "-o", names, *LINEAR, "--map", names)
    assert "would be overwritten" in done.stderr
    assert names.read_text() == "blues,Blues\n"


def test_a_model_file_with_numbers_for_genres_is_judged(skgenre, table, song_files, tmp_path):
    genres = sorted(set(song_files[1]))
    target = [genres.index(genre) for genre in song_files[1]]
    clf = make_genre_classifier("linear", duration=1.5).fit(song_files[0], target)
    export_model(clf, tmp_path / "model.onnx")
    names = tmp_path / "names.csv"
    names.write_text("".join(f"{genre},{i}\n" for i, genre in enumerate(genres)))
    out = ["--model", tmp_path / "model.onnx"]
    done = skgenre("evaluate", table, *out)
    assert done.status == 2
    assert f"has the genres 0, 1, 2, 3, and not {', '.join(genres)}" in done.stderr
    done = skgenre("evaluate", table, *out, "--map", names)
    assert done.status == 0
    assert f"{clf.score(song_files[0], target):.3f}".rstrip("0") in done.stdout
