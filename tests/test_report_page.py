"""The page of `benchmarks/report.py`: of invented songs, and of results that are written here."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skgenre import summarize
from skgenre.datasets._gtzan import read_index

ROOT = Path(__file__).parents[1]


class Page(HTMLParser):
    """Collects headings and the sources of pictures."""

    def __init__(self, text):
        super().__init__()
        self.headings, self.pictures, self._is_heading = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._is_heading = tag in ("h1", "h2")
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])

    def handle_data(self, data):
        if self._is_heading:
            self.headings.append(data)
        self._is_heading = False


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    make_page(folder)
    return folder


def make_page(folder):
    settings = "--songs 100 --duration 2 --names ann-mfcc linear --epochs 1 --folds 1 --jobs 1"
    subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "report.py", "--out", folder, *settings.split()],
        check=True,
        capture_output=True,
        env={**os.environ, "MPLBACKEND": "agg"},
    )


@pytest.mark.slow
def test_one_page_holds_all_and_says_that_songs_are_invented(folder):
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert len(page.headings) > 5
    assert all("invented songs" in heading for heading in page.headings)
    assert len(page.pictures) == 4
    assert all(source.startswith("data:image/png;base64,") for source in page.pictures)
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def read_tables(folder):
    """Return the tables of a page by heading, in text."""
    tables = {}
    for section in (folder / "report.md").read_text().split("\n## ")[1:]:
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in section.splitlines()
            if line.startswith("|")
        ]
        if rows:
            tables[section.split(" (")[0]] = pd.DataFrame(rows[2:], columns=rows[0])
    return tables


@pytest.mark.slow
def test_the_table_has_the_report_beside_ours(folder):
    accuracy = pd.read_csv(folder / "summary.csv").pivot(
        index="estimator", columns="protocol", values="accuracy"
    )
    tables = read_tables(folder)
    main = tables["Accuracy"].set_index("pipeline")
    assert main["the report"].to_dict() == {"ann-mfcc": "0.508", "linear": ""}
    for protocol in ("report", "stratified", "artist"):
        for name in ("ann-mfcc", "linear"):
            assert main.loc[name, f"`{protocol}`"].startswith(f"{accuracy.loc[name, protocol]:.3f}")
    leaky = accuracy.loc["linear", "leaky-segments"]
    assert main.loc["linear", "`leaky-segments`: **invalid**"] == f"{leaky:.3f}"
    fall = leaky - accuracy.loc["linear", "artist"]
    assert main.loc["linear", "**invalid** - `artist`"] == f"{fall:+.3f}"


@pytest.mark.slow
def test_what_leaks_has_no_verdict(folder):
    scores = read_tables(folder)["Every score"]
    is_leaky = scores["protocol"] == "leaky-segments"
    assert set(scores["verdict"][is_leaky]) == {"**invalid**"}
    assert set(scores["verdict"][~is_leaky]) <= {"reference", "tie", "better", "worse"}


@pytest.mark.slow
def test_all_songs_are_tested_with_artists_apart(folder):
    tested = read_tables(folder)["Songs tested"].set_index("genre")
    assert tested.loc["all", ["songs", "`artist`", "`report`"]].tolist() == ["100", "100", "20"]
    assert tested.loc["blues", ["songs", "`artist`"]].tolist() == ["10", "10"]


@pytest.mark.slow
def test_a_second_run_computes_nothing(folder):
    kept = {file: file.stat().st_mtime_ns for file in (folder / "folds").glob("*.jsonl")}
    before = pd.read_csv(folder / "results.csv")
    assert len(kept) == len(before) == 2 * (1 + 1 + 5 + 1)
    make_page(folder)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    pd.testing.assert_frame_equal(pd.read_csv(folder / "results.csv"), before)


GENRES = ["blues", "metal", "rock"]


def make_songs(benchmarks):
    """Return four songs by two artists of each genre; the train list has no blues."""
    of_list = read_index()["filtered_split"]
    names = [
        *of_list.index[of_list.eq("valid") & of_list.index.str.startswith("blues")][:4],
        *of_list.index[of_list.eq("train") & of_list.index.str.startswith("metal")][:4],
        *of_list.index[of_list.eq("train") & of_list.index.str.startswith("rock")][:3],
        *of_list.index[of_list.eq("valid") & of_list.index.str.startswith("rock")][:1],
    ]
    return benchmarks("_report_page").Songs(
        [f"{name}.wav" for name in names],
        np.repeat(GENRES, 4),
        np.repeat(["p", "q", "r", "s", "t", "u"], 2),
        is_invented=False,
        faults=pd.DataFrame(
            {"path": ["jazz.00054.wav", f"{names[0]}.wav"], "fault": ["unreadable", "clipped"]}
        ),
        max_accuracy=0.945,
    )


def make_row(songs, protocol, test, *, name="linear", error=None):
    """Return the row of a fold in which all songs are called rock."""
    answers = pd.DataFrame(
        {"genre": songs.y[test], "predicted": "rock", "group": songs.groups[test]},
        index=pd.Index(test, name="song"),
    )
    scores = ["accuracy", "macro_f1", "log_loss", "calibration_error", "top3_accuracy"]
    scores = dict.fromkeys([*scores, "fit_seconds", "predict_seconds"], 0.5)
    return {
        "estimator": name,
        "protocol": protocol,
        "seed": 0,
        "fold": 0,
        "is_valid": protocol != "leaky-segments",
        "leakage": "segments" if protocol == "leaky-segments" else "clean",
        **(scores if error is None else dict.fromkeys(scores, np.nan)),
        "error": error,
        "answers": answers.assign(blues=0.1, metal=0.2, rock=0.7) if error is None else None,
        "history": None,
    }


def write_page(benchmarks, folder, songs, rows):
    results = pd.DataFrame(rows)
    benchmarks("_report_page").write_page(folder, results, summarize(results), songs, ["Small."])


def test_songs_of_genres_that_were_not_trained_are_counted(benchmarks, tmp_path):
    songs = make_songs(benchmarks)
    rows = [
        make_row(songs, "report", np.array([0, 4, 8])),
        make_row(songs, "artist", np.array([0, 1, 2, 3, 4, 5])),
        make_row(songs, "filtered", np.array([0, 1, 2, 3, 11])),
        make_row(songs, "leaky-segments", np.arange(12)),
    ]
    write_page(benchmarks, tmp_path, songs, rows)
    tested = read_tables(tmp_path)["Songs tested"].set_index("genre")
    assert tested["artists"].to_dict() == {"blues": "2", "metal": "2", "rock": "2", "all": "6"}
    assert tested["`report`"].to_dict() == {"blues": "1", "metal": "1", "rock": "1", "all": "3"}
    assert tested["`artist`"].tolist() == ["4 (4)", "2", "0", "6 (4)"]
    assert tested["`filtered`"].tolist() == ["4 (4)", "0", "1", "5 (4)"]
    assert "leaky" not in "".join(tested.columns)


def test_the_page_of_real_clips(benchmarks, tmp_path):
    songs = make_songs(benchmarks)
    protocols = ["report", "artist", "leaky-segments"]
    rows = [make_row(songs, protocol, np.arange(12)) for protocol in protocols]
    write_page(benchmarks, tmp_path, songs, rows)
    page = Page((tmp_path / "report.html").read_text())
    assert all("12 clips of GTZAN" in heading for heading in page.headings)
    text = (tmp_path / "report.md").read_text()
    assert "unreadable: jazz.00054.wav" in text
    assert "1 unreadable, 1 clipped" in text
    assert "94.5%" in text
    assert "- Small." in text


def test_a_page_where_nothing_could_be_computed_says_why(benchmarks, tmp_path):
    songs = make_songs(benchmarks)
    rows = [
        make_row(songs, protocol, np.arange(12), name=name, error=error)
        for name, error in (("knn", None), ("linear", "ValueError: too few\nand more"))
        for protocol in ("report", "leaky-segments")
    ]
    rows += [
        make_row(songs, "artist", np.arange(12), name=name, error="ValueError: no")
        for name in ("knn", "linear")
    ]
    write_page(benchmarks, tmp_path, songs, rows)
    tables = read_tables(tmp_path)
    main = tables["Accuracy"].set_index("pipeline")
    assert main["`report`"]["knn"].startswith("0.333")
    assert main["`report`"]["linear"] == "failed"
    assert main["`leaky-segments`: **invalid**"]["linear"] == "failed"
    assert set(main["`artist`"]) == {"failed"}
    assert set(tables["Every score"]["folds failed"]) == {"", "1"}
    text = (tmp_path / "report.md").read_text()
    assert "Failed under `report`, of 1 folds: `linear` in 1. ValueError: too few\n" in text
    assert "Failed under `artist`, of 1 folds: `knn` in 1, `linear` in 1. ValueError: no" in text
    assert "Confusion matrices" not in text
    assert "Learning curves" not in text


def test_pipelines_that_are_one_and_the_same_are_named(benchmarks, tmp_path):
    songs = make_songs(benchmarks)
    rows = [
        make_row(songs, protocol, np.arange(12), name=name)
        for name in ("ann-mfcc", "ann-mfcc-10")
        for protocol in ("report", "artist", "leaky-segments")
    ]
    rows += [{**make_row(songs, "report", np.arange(12), name="knn"), "log_loss": 0.7}]
    write_page(benchmarks, tmp_path, songs, rows)
    text = (tmp_path / "report.md").read_text()
    everywhere = "`report`, `artist`, `leaky-segments`"
    assert f"The same under {everywhere}: `ann-mfcc` and `ann-mfcc-10`." in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--songs 90", "--songs must be 100 or more"),
        ("--duration 0", "--duration: 0 is not above 0"),
        ("--seeds 0", "--seeds: 0 is not above 0"),
        ("--names wav2vec linear", "needs a --checkpoint"),
        ("--names best", "invalid choice: 'best'"),
    ],
)
def test_odd_options_are_refused(options, said, benchmarks, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["report.py", "--out", "page", *options.split()])
    with pytest.raises(SystemExit):
        benchmarks("report").parse_options()
    assert said in capsys.readouterr().err
