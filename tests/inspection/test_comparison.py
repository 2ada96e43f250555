from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from skgenre import ComparisonDisplay, compare_classifiers, summarize


@pytest.fixture
def summary():
    return pd.DataFrame(
        [
            ("leaky-segments", "knn", False, "segments", 0.97, 0.95, 0.99, True),
            ("leaky-segments", "cnn", False, "segments", 0.90, 0.85, 0.95, False),
            ("report", "cnn", True, "artist", 0.75, 0.70, 0.80, False),
            ("report", "knn", True, "artist", 0.65, 0.60, 0.70, False),
            ("artist", "cnn", True, "clean", 0.55, np.nan, np.nan, False),
            ("artist", "knn", True, "clean", np.nan, np.nan, np.nan, False),
        ],
        columns=[
            *("protocol", "estimator", "is_valid", "leakage"),
            *("accuracy", "low", "high", "is_suspicious"),
        ],
    )


def texts(display):
    return [text.get_text() for text in display.ax_.texts]


def test_bars_and_intervals_are_those_of_the_summary(summary):
    display = ComparisonDisplay.from_summary(summary)
    assert list(display.bars_) == ["leaky-segments", "report", "artist"]
    for protocol, rows in summary.groupby("protocol"):
        bars = display.bars_[protocol]
        assert_allclose(bars.datavalues, rows["accuracy"])
        segments = bars.errorbar.lines[2][0].get_segments()
        for segment, (_, row) in zip(segments, rows.iterrows(), strict=True):
            if row["low"] > 0:
                assert_allclose(segment[:, 0], [row["low"], row["high"]])
            else:
                assert not np.diff(segment, axis=0).any()


def test_the_most_accurate_under_valid_protocols_is_on_top(summary):
    ax = ComparisonDisplay.from_summary(summary).ax_
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cnn", "knn"]
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert ax.get_xlabel() == "Accuracy"
    assert ax.get_xlim()[0] == 0
    assert_allclose(ax.get_xticks(), np.linspace(0, 1, 6))


def test_bars_do_not_overlap(summary):
    display = ComparisonDisplay.from_summary(summary)
    bars = [bar for bars in display.bars_.values() for bar in bars]
    spans = sorted((bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars)
    assert len(spans) == 6
    assert all(first[1] <= then[0] + 1e-9 for first, then in pairwise(spans))


def test_what_is_invalid_is_grey_hatched_and_says_so(summary):
    display = ComparisonDisplay.from_summary(summary)
    for protocol, bars in display.bars_.items():
        for bar in bars:
            red, green, blue, _ = bar.get_facecolor()
            is_grey = red == green == blue
            assert is_grey == bool(bar.get_hatch()) == (protocol == "leaky-segments")
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == [
        "leaky-segments (invalid, segments on both sides)",
        "report (artist on both sides)",
        "artist",
    ]
    assert texts(display) == [
        *("0.97 invalid suspicious", "0.90 invalid"),
        *("0.75", "0.65", "0.55", "failed"),
    ]


def test_unknown_artists_are_told(summary):
    summary.loc[summary["protocol"] == "report", "leakage"] = "unknown"
    legend = ComparisonDisplay.from_summary(summary).ax_.get_legend()
    assert legend.get_texts()[1].get_text() == "report (artists unknown)"


def test_nothing_is_cut_off(summary):
    display = ComparisonDisplay.from_summary(summary)
    display.figure_.canvas.draw()
    frame = display.ax_.get_window_extent()
    for text in display.ax_.texts:
        assert text.get_window_extent().x1 <= frame.x1


def test_from_results():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(60, 3)), np.repeat(["blues", "rock"], 30)
    X[30:, 0] += 2
    results = compare_classifiers(
        {"dummy": DummyClassifier(), "linear": LogisticRegression()}, X, y, protocols=["stratified"]
    )
    display = ComparisonDisplay.from_results(results, n_resamples=99, max_accuracy=0.5)
    expected = summarize(results, n_resamples=99, max_accuracy=0.5)
    pd.testing.assert_frame_equal(display.summary, expected)
    assert "suspicious" in texts(display)[0]


def test_bad_summaries(summary):
    with pytest.raises(ValueError, match=r"lacks the columns \['low', 'high'\]"):
        ComparisonDisplay.from_summary(summary.drop(columns=["low", "high"]))
    with pytest.raises(ValueError, match="two rows for 'knn' under 'leaky-segments'"):
        ComparisonDisplay.from_summary(pd.concat([summary, summary]))
    with pytest.raises(ValueError, match="empty"):
        ComparisonDisplay.from_summary(summary[:0])
    assert not plt.get_fignums()


def test_draws_where_it_is_told(summary):
    figure, ax = plt.subplots()
    before = summary.copy()
    assert ComparisonDisplay.from_summary(summary, ax=ax).ax_ is ax
    assert plt.get_fignums() == [figure.number]
    pd.testing.assert_frame_equal(summary, before)
