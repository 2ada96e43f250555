"""Pictures of genres, songs and classifiers that are called anything."""

import os
import shutil

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from skgenre import (
    ComparisonDisplay,
    MelSpectrogramDisplay,
    MelSpectrogramTransformer,
    OcclusionDisplay,
    PrecisionCoverageDisplay,
    ReliabilityDisplay,
    SegmentTimelineDisplay,
    SegmentVotingClassifier,
    compare_classifiers,
)
from skgenre._names import printable

NAMES = [
    *("A$AP & $uicide", "$x^", "\\frac{", "$\\frac{$", "\\$", "$", "50 % off_{#}", "_hidden"),
    *("two\nlines", os.fsdecode(b"caf\xe9"), "\u202egnp.exe", "blank ", "Ke$ha$ ~ {R&B}", "<b>"),
]


@pytest.fixture(params=NAMES, ids=map(ascii, NAMES))
def name(request):
    return request.param


def texts(labels):
    return [label.get_text() for label in labels]


def assert_drawn_as_it_is(*labels):
    for label in labels:
        assert not label.get_parse_math()
        assert not label.get_usetex()
    labels[0].figure.canvas.draw()


def test_comparison(name):
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(20, 2)), np.repeat([name, "rock"], 10)
    results = compare_classifiers(
        {name: LogisticRegression(), "b": DummyClassifier()}, X, y, protocols={name: "stratified"}
    )
    display = ComparisonDisplay.from_results(results, n_resamples=9)
    labels = display.ax_.get_yticklabels()
    legend = display.ax_.get_legend().get_texts()
    assert set(texts(labels)) == {printable(name), "b"}
    assert texts(legend) == [f"{printable(name)} (artists unknown)"]
    assert list(display.bars_) == [name]
    assert_drawn_as_it_is(*labels, *legend)
    plt.close()
    without_layout = ComparisonDisplay(display.summary).plot(plt.subplots()[1])
    assert_drawn_as_it_is(*without_layout.ax_.get_legend().get_texts())


def test_reliability(name):
    y, proba = [name, "a"], [[0.75, 0.25], [0.25, 0.75]]
    display = ReliabilityDisplay.from_predictions(y, proba, labels=[name, "a"], name=name)
    legend = display.ax_.get_legend().get_texts()
    assert texts(legend)[-1] == f"{printable(name)}, calibration error 0.250"
    assert_drawn_as_it_is(*legend)


def test_precision_and_coverage(name):
    display = PrecisionCoverageDisplay.from_predictions(
        [name, "a"], [[0.75, 0.25], [0.25, 0.75]], labels=[name, "a"], name=name
    )
    legend = display.ax_.get_legend().get_texts()
    assert texts(legend)[0] == f"{printable(name)}, accuracy 1.000"
    assert_drawn_as_it_is(*legend)


def test_timeline(name):
    display = SegmentTimelineDisplay.from_predictions(
        [[0.9, 0.1], [0.4, 0.6]], classes=np.array([name, "rock"]), segment_duration=3.0
    )
    labels = display.ax_.get_yticklabels()
    assert texts(labels) == [printable(name), "rock"]
    assert_drawn_as_it_is(*labels)


def test_occlusion(name):
    X = np.random.default_rng(0).normal(size=(20, 4, 8))
    clf = SegmentVotingClassifier(LogisticRegression()).fit(X, np.repeat([name, "rock"], 10))
    display = OcclusionDisplay.from_estimator(clf, X[0], genre=name)
    title = display.axes_[1].title
    assert title.get_text().startswith(f"{printable(name)}, probability")
    assert_drawn_as_it_is(title)


def test_mel_spectrogram_of_a_file(name, tmp_path, song_files):
    path = tmp_path / f"{name}.flac"
    shutil.copy(song_files[0][0], path)
    MelSpectrogramDisplay.from_estimator(MelSpectrogramTransformer(duration=1.0), path)


def test_settings_of_the_user_do_not_make_names_formulas():
    with plt.rc_context({"text.usetex": True}):
        display = SegmentTimelineDisplay([[1.0]], classes=["50 %_#"], segment_duration=3.0).plot()
        (label,) = display.ax_.get_yticklabels()
        assert not label.get_usetex()
        plt.close()


class Refuses(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self


def test_a_name_in_an_error_is_escaped():
    clf = Refuses().fit([[0.0]], ["a"])
    with pytest.raises(TypeError, match=r"two\\nlines has no predict_proba"):
        ReliabilityDisplay.from_estimator(clf, [[0.0]], ["a"], name="two\nlines")


def test_order_of_classifiers_whose_names_are_not_text():
    odd = os.fsdecode(b"\xe9")
    summary = pd.DataFrame(
        {
            "protocol": pd.Series([odd, odd, "z", "z"], dtype=object),
            "estimator": pd.Series([odd, "b", odd, "b"], dtype=object),
            "is_valid": True,
            "leakage": "clean",
            "accuracy": [0.5, 0.6, 0.9, 0.7],
            "low": np.nan,
            "high": np.nan,
        }
    )
    display = ComparisonDisplay.from_summary(summary)
    assert texts(display.ax_.get_yticklabels()) == ["\\udce9", "b"]
