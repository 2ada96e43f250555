"""The page of `benchmarks/report.py`, made from invented songs in a fresh process."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


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
        [sys.executable, BENCHMARKS / "report.py", "--out", folder, *settings.split()],
        check=True,
        capture_output=True,
        env={**os.environ, "MPLBACKEND": "agg"},
    )


def test_one_page_holds_all_and_says_that_songs_are_invented(folder):
    text = (folder / "report.html").read_text()
    page = Page(text)
    assert len(page.headings) > 5
    assert all("invented songs" in heading for heading in page.headings)
    assert len(page.pictures) == 4
    assert all(source.startswith("data:image/png;base64,") for source in page.pictures)
    assert "http" not in re.sub(r"base64,[^\"]*", "", text)


def test_the_table_has_the_report_beside_ours(folder):
    text = (folder / "report.md").read_text()
    summary = pd.read_csv(folder / "summary.csv").set_index(["estimator", "protocol"])
    row = next(line for line in text.splitlines() if line.startswith("| ann-mfcc "))
    assert row.split("|")[2].strip() == "0.508"
    for protocol in ("report", "leaky-segments", "stratified", "artist"):
        assert f"{summary.loc[('ann-mfcc', protocol), 'accuracy']:.3f}" in row
    assert not summary.xs("leaky-segments", level="protocol")["is_valid"].any()
    assert "**invalid**" in text


def test_a_second_run_computes_nothing(folder):
    kept = {file: file.stat().st_mtime_ns for file in (folder / "folds").glob("*.joblib")}
    before = pd.read_csv(folder / "results.csv")
    assert len(kept) == len(before) == 2 * 4
    make_page(folder)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept
    pd.testing.assert_frame_equal(pd.read_csv(folder / "results.csv"), before)
