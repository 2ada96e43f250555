import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from skgenre import load_model


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture(scope="module")
def clf():
    return load_model("gtzan-10")


def test_answers_are_those_of_the_model(skgenre, music, clf):
    done = skgenre("predict", music, "--format", "csv")
    assert (done.status, done.stderr) == (0, "")
    rows = read_csv(done.stdout)
    paths = [str(music / "album" / "noise.flac"), str(music / "tone.wav")]
    assert [row["path"] for row in rows] == paths
    proba = clf.predict_proba(paths)
    assert [row["genre"] for row in rows] == clf.predict(paths).tolist()
    assert [float(row["confidence"]) for row in rows] == pytest.approx(proba.max(axis=1), abs=1e-4)
    for row, of_song in zip(rows, proba, strict=True):
        second, third = of_song.argsort()[-2:-4:-1]
        assert (row["genre_2"], row["genre_3"]) == (clf.classes_[second], clf.classes_[third])
        assert float(row["confidence_3"]) == pytest.approx(of_song[third], abs=1e-4)


@pytest.mark.parametrize("top", [1, 2, 50])
def test_any_number_of_genres(skgenre, music, top):
    rows = read_csv(skgenre("predict", music, "--format", "csv", "--top", top).stdout)
    assert sum(name.startswith("genre") for name in rows[0]) == min(top, 10)


def test_a_file_that_cannot_be_read_is_a_row_and_the_rest_is_done(skgenre, music):
    (music / "broken.mp3").write_bytes(b"no music")
    done = skgenre("predict", music, music / "gone.wav", "--format", "csv")
    assert done.status == 1
    assert done.stderr == "2 of 4 files could not be read\n"
    rows = {os.path.basename(row["path"]): row for row in read_csv(done.stdout)}
    assert rows["gone.wav"]["error"] == "no such file"
    assert rows["broken.mp3"]["genre"] == ""
    assert rows["broken.mp3"]["error"]
    assert rows["tone.wav"]["genre"]
    assert rows["tone.wav"]["error"] == ""


def test_formats_say_the_same(skgenre, music):
    rows = read_csv(skgenre("predict", music, "--format", "csv").stdout)
    of_json = json.loads(skgenre("predict", music, "--format", "json").stdout)
    lines = skgenre("predict", music, "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line) for line in lines] == of_json
    assert [row["genre"] for row in of_json] == [row["genre"] for row in rows]
    assert [row["error"] for row in of_json] == [None, None]
    table = skgenre("predict", music).stdout.splitlines()
    for row, line in zip(rows, table, strict=True):
        assert line.startswith(row["genre"])
        assert f"{float(row['confidence']):.0%}" in line
        assert row["path"] in line


def test_the_format_is_that_of_the_file(skgenre, music, tmp_path):
    for ending in ("csv", "json", "jsonl", "txt"):
        assert skgenre("predict", music, "--output", tmp_path / f"out.{ending}").stdout == ""
    assert (tmp_path / "out.csv").read_text().startswith("path,genre,confidence,genre_2")
    assert len(json.loads((tmp_path / "out.json").read_text())) == 2
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 2
    assert "%" in (tmp_path / "out.txt").read_text()


def test_what_is_not_sure_enough_is_unknown(skgenre, music):
    rows = read_csv(skgenre("predict", music, "--format", "csv", "--min-confidence", 1).stdout)
    assert [row["genre"] for row in rows] == ["unknown"] * 2


def test_tags(skgenre, music):
    (row,) = json.loads(skgenre("predict", music / "tone.wav", "--tags", "--format", "json").stdout)
    assert len(row["tags"]) == 3
    assert not any("mean" in tag for tag in row["tags"])
    (of_csv,) = read_csv(skgenre("predict", music / "tone.wav", "--tags", "--format", "csv").stdout)
    assert of_csv["tags"] == "; ".join(row["tags"])


def test_paths_on_standard_input(skgenre, music):
    paths = [str(music / "tone.wav"), str(music / "album")]
    done = skgenre("predict", "-", "--format", "csv", stdin="\n".join(paths) + "\n")
    assert [row["path"] for row in read_csv(done.stdout)] == [
        paths[0],
        str(music / "album" / "noise.flac"),
    ]
    odd = music / "two\nlines.wav"
    os.rename(music / "tone.wav", odd)
    done = skgenre("predict", "-", "-0", "--format", "csv", stdin=f"{odd}\0")
    assert [row["path"] for row in read_csv(done.stdout)] == [str(odd)]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_run_that_was_stopped_goes_on(skgenre, music, tmp_path, kind):
    out = tmp_path / f"out.{kind}"
    os.rename(music / "tone.wav", music / 'a "b"\nc.wav')
    (music / "gone.mp3").write_bytes(b"no music")
    skgenre("predict", music, "--output", out)
    whole = out.read_bytes()
    for n_bytes in range(0, len(whole), 97):
        out.write_bytes(whole[:n_bytes])
        assert skgenre("predict", music, "--output", out, "--resume").status == 1
        assert out.read_bytes() == whole


def test_resuming_needs_rows_that_can_be_read(skgenre, music, tmp_path):
    done = skgenre("predict", music, "--resume", "--output", tmp_path / "out.json")
    assert done.status == 2
    assert "--resume needs an --output of the format csv or jsonl" in done.stderr
    (tmp_path / "out.csv").write_text("other,columns\n1,2\n")
    done = skgenre("predict", music, "--resume", "--output", tmp_path / "out.csv")
    assert done.status == 2
    assert "columns" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--model", "no-such.onnx"], "'no-such.onnx' is neither the name of a model"),
        (["--output", "no/such/folder.csv"], "There is no folder no/such"),
        (["--output", "."], "--output is a folder"),
    ],
)
def test_wrong_use_is_a_sentence(skgenre, music, arguments, says):
    done = skgenre("predict", music, *arguments)
    assert done.status == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_music_is_told(skgenre, tmp_path):
    done = skgenre("predict", tmp_path)
    assert done.status == 2
    assert "No audio file in" in done.stderr


def test_a_model_file_that_is_none(skgenre, music):
    done = skgenre("predict", music, "--model", music / "tone.wav")
    assert done.status == 2
    assert "it is not a model file" in done.stderr


def test_no_name_is_a_formula(skgenre, music, monkeypatch):
    monkeypatch.chdir(music)
    os.rename("tone.wav", "=1+1.wav")
    (row,) = read_csv(skgenre("predict", "=1+1.wav", "--format", "csv").stdout)
    assert row["path"] == "./=1+1.wav"


def run(*arguments, **options):
    command = [sys.executable, "-m", "skgenre", *map(os.fsdecode, arguments)]
    return subprocess.run(command, capture_output=True, check=False, **options)


@pytest.mark.slow
def test_names_of_any_bytes(music):
    names = [b"caf\xe9.wav", "Björk 🎵.wav".encode(), b"new\nline.wav", b"\x1b[31mred.wav"]
    paths = [os.path.join(os.fsencode(music), name) for name in names]
    for path in paths:
        os.link(music / "tone.wav", path)
    done = run("predict", *paths, "--format", "csv", env={**os.environ, "PYTHONUTF8": "1"})
    assert (done.returncode, done.stderr) == (0, b"")
    rows = read_csv(done.stdout.decode("utf-8", "surrogateescape"))
    assert [os.fsencode(row["path"]) for row in rows] == paths
    done = run("predict", *paths)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) == len(paths)


@pytest.mark.slow
def test_a_reader_that_leaves_is_no_error(music):
    command = f"{sys.executable} -m skgenre predict {music} {music} --format csv | head -c 10"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_interrupted_with_whole_rows(start, music, tmp_path):
    for i in range(300):
        os.link(music / "tone.wav", music / f"{i:03}.wav")
    out = tmp_path / "out.csv"
    process = start("predict", music, "--output", out, "--jobs", "1")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (not out.exists() or out.read_bytes().count(b"\n") < 3):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (130, b"")
    text = out.read_text()
    assert text.endswith("\n")
    assert all(len(row) == 8 for row in csv.reader(io.StringIO(text)))


def test_nothing_is_loaded_that_is_not_used(music):
    code = (
        "import sys; from skgenre.cli._app import app\n"
        f"try: app(['predict', {str(music)!r}])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "print(sorted({'numba', 'librosa', 'tensorflow', 'torch', 'matplotlib', 'rich.table',"
        " 'scipy.stats.distributions', 'sklearn.model_selection', 'sklearn.pipeline'}"
        " & set(sys.modules)))\n"
        # what is left out works when somebody asks for it
        "import scipy.stats; assert scipy.stats.norm.cdf(0) == 0.5"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", ["tone.wav", "link.csv"])
def test_no_song_is_written_over(skgenre, music, name):
    (music / "link.csv").symlink_to(music / "tone.wav")
    before = (music / "tone.wav").read_bytes()
    done = skgenre("predict", music, "--output", music / name)
    assert (done.status, done.stdout) == (2, "")
    assert (
        "looks like an audio file" in done.stderr
        or "is an input, and would be overwritten" in done.stderr
    )
    assert (music / "tone.wav").read_bytes() == before


def test_a_song_by_two_spellings_of_its_path_comes_once(skgenre, music, monkeypatch):
    monkeypatch.chdir(music)
    done = skgenre("predict", "./tone.wav", ".", music / "tone.wav", "--format", "csv")
    assert [row["path"] for row in read_csv(done.stdout)] == ["./tone.wav", "album/noise.flac"]


def test_a_list_from_another_system(skgenre, music):
    paths = f"\ufeff{music / 'tone.wav'}\r\n{music / 'album' / 'noise.flac'}\r\n"
    done = skgenre("predict", "-", "--format", "csv", stdin=paths)
    assert done.status == 0
    assert len(read_csv(done.stdout)) == 2


@pytest.mark.parametrize(
    "content",
    [b"a,b,c\n", b"some notes", b"path,genre\n", b'["path"]\n', b"5\n", b"{\n"],
    ids=["header", "text", "columns", "list", "number", "cut"],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_file_of_something_else_is_not_gone_on_with(skgenre, music, tmp_path, kind, content):
    out = tmp_path / f"out.{kind}"
    content += b"\n" if kind == "jsonl" and not content.endswith(b"\n") else b""
    out.write_bytes(content)
    done = skgenre("predict", music, "--output", out, "--resume")
    assert done.status == 2
    assert "--resume continues what the same command wrote" in done.stderr
    assert out.read_bytes() == content


def test_a_file_that_a_spreadsheet_saved_again_is_gone_on_with(skgenre, music, tmp_path):
    out = tmp_path / "out.csv"
    skgenre("predict", music, "--output", out)
    lines = out.read_bytes().splitlines()
    out.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines[:2]) + b"\r\n")
    assert skgenre("predict", music, "--output", out, "--resume").status == 0
    assert out.read_bytes().splitlines()[1:] == lines[1:]


@pytest.mark.parametrize("arguments", [["--jobs", 0], ["--timeout", "inf"], ["--timeout", "1e300"]])
def test_numbers_that_cannot_be_name_their_option(skgenre, music, arguments):
    done = skgenre("predict", music, *arguments)
    assert (done.status, done.stdout) == (2, "")
    assert f"'{arguments[0]}'" in done.stderr
