"""Rows of a comparison on disk are read as they were computed, or computed again."""

import json
import os
import pickle
import resource
import stat

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from skgenre import compare_classifiers


class Keeping(ClassifierMixin, BaseEstimator):
    """Notes in a file that it was fitted, and has some history."""

    def __init__(self, file=None, history=None):
        self.file, self.history = file, history

    def fit(self, X, y):
        with open(self.file, "a") as file:
            file.write("fitted\n")
        self.classes_ = np.unique(y)
        self.history_ = self.history
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def predict_proba(self, X):
        proba = np.linspace(0.01, 1 / 3, len(X) * len(self.classes_), dtype=np.float32)
        return proba.reshape(len(X), -1)


@pytest.fixture
def table():
    return np.random.RandomState(0).normal(size=(24, 3)), np.tile(["blues", "jazz", "rock"], 8)


def compare(table, folder, clf, groups=None):
    X, y = table
    return compare_classifiers(
        {"a": clf}, X, y, protocols=["report"], groups=groups, results=folder
    )


def rows_of(folder):
    return sorted(file for file in folder.iterdir() if file.name != "environment.json")


def n_fits(clf):
    with open(clf.file) as file:
        return len(file.readlines())


LABELS = {
    "str": ["blues", "jazz", "rock"],
    "objects": np.array(["blues", "jazz", "rock"], dtype=object),
    "odd names": ['"', "\n", "日本 \0"],
    "int": [-1, 0, 2**40],
    "uint8": np.array([0, 1, 255], dtype=np.uint8),
    "float": [-1.0, 0.0, 2.0],
    "float32": np.array([0.0, 1.0, 2.0], dtype=np.float32),
    "bool": [False, True],
}


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
def test_answers_come_back_with_their_types(table, tmp_path, labels):
    labels = np.asarray(labels)
    y, groups = np.resize(labels, 24), np.resize(labels[::-1], 24)
    clf = Keeping(file=str(tmp_path / "log"))
    first = compare((table[0], y), tmp_path / "kept", clf, groups)
    again = compare((table[0], y), tmp_path / "kept", clf, groups)
    assert n_fits(clf) == 1
    pd.testing.assert_frame_equal(first.drop(columns="answers"), again.drop(columns="answers"))
    pd.testing.assert_frame_equal(first["answers"][0], again["answers"][0], check_exact=True)
    for label, other in zip(first["answers"][0], again["answers"][0], strict=True):
        assert type(label) is type(other)


def test_histories_come_back_with_their_types(table, tmp_path):
    history = {
        "loss": [0.1, float("inf"), 1e-300],
        "epochs": np.arange(6, dtype=np.int16).reshape(2, 3),
        "best": (np.float32(0.1), np.int64(3), None, True),
        2: {"name": "net"},
    }
    clf = Keeping(file=str(tmp_path / "log"), history=history)
    compare(table, tmp_path / "kept", clf)
    kept = compare(table, tmp_path / "kept", clf)["history"][0]
    assert n_fits(clf) == 1
    np.testing.assert_array_equal(kept.pop("epochs"), history["epochs"], strict=True)
    assert list(map(type, kept["best"])) == list(map(type, history["best"]))
    assert kept == {name: value for name, value in history.items() if name != "epochs"}


def test_a_history_that_is_no_plain_data_is_not_kept(table, tmp_path):
    clf = Keeping(file=str(tmp_path / "log"), history={"net": {1, 2}})
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"cannot store 1 of 2 files: a set cannot be kept"):
            results = compare(table, tmp_path / "kept", clf)
        assert results["history"][0] == {"net": {1, 2}}
    assert rows_of(tmp_path / "kept") == []


class Planted:
    """Leaves a trace when it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (self.trace,)


def flip(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data, trace: b"",
        lambda data, trace: data[:-9],
        lambda data, trace: flip(data, len(data) // 2),
        lambda data, trace: flip(data, len(data) - 40),
        lambda data, trace: pickle.dumps(Planted(trace)),
        lambda data, trace: bytes(len(data)),
    ],
)
def test_damaged_rows_are_computed_again(table, tmp_path, damage):
    clf = Keeping(file=str(tmp_path / "log"))
    first = compare(table, tmp_path / "kept", clf)
    (row,) = rows_of(tmp_path / "kept")
    row.write_bytes(damage(row.read_bytes(), str(tmp_path / "trace")))
    again = compare(table, tmp_path / "kept", clf)
    pd.testing.assert_frame_equal(first["answers"][0], again["answers"][0])
    assert not (tmp_path / "trace").exists()
    compare(table, tmp_path / "kept", clf)
    assert n_fits(clf) == 2


def test_a_row_of_another_classifier_is_not_taken_for_its_own(table, tmp_path):
    compare(table, tmp_path / "kept", DummyClassifier())
    (dummy,) = rows_of(tmp_path / "kept")
    linear = compare(table, tmp_path / "kept", LogisticRegression())
    for row in rows_of(tmp_path / "kept"):
        row.write_bytes(dummy.read_bytes())
    again = compare(table, tmp_path / "kept", LogisticRegression())
    pd.testing.assert_frame_equal(linear["answers"][0], again["answers"][0])


def test_rows_are_plain_text(table, tmp_path):
    compare(table, tmp_path / "kept", DummyClassifier())
    (row,) = rows_of(tmp_path / "kept")
    header, values = map(json.loads, row.read_text().splitlines())
    assert header["key"] == row.stem
    assert values["protocol"] == "report"


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_rows_that_cannot_be_written_are_one_warning(table, tmp_path, n_jobs):
    X, y = table
    settings = {"protocols": {"three": 3}, "results": tmp_path / "kept", "n_jobs": n_jobs}
    first = compare_classifiers({"a": DummyClassifier()}, X, y, **settings)
    rows = rows_of(tmp_path / "kept")
    for row in rows:
        row.unlink()
        row.mkdir()
    with pytest.warns(UserWarning, match="kept'.* cannot store 3 of 4 files: ") as caught:
        again = compare_classifiers({"a": DummyClassifier()}, X, y, **settings)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert first["accuracy"].tolist() == again["accuracy"].tolist()
    assert rows_of(tmp_path / "kept") == rows


def test_a_full_disk_leaves_no_files(table, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.warns(UserWarning, match="cannot store 2 of 2 files: .*File too large"):
            results = compare(table, tmp_path / "kept", DummyClassifier())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert results["error"].isna().all()
    assert list((tmp_path / "kept").iterdir()) == []


def test_the_folder_is_the_users_alone(table, tmp_path):
    tmp_path.chmod(0o755)
    compare(table, tmp_path / "new" / "kept", DummyClassifier())
    for folder in (tmp_path / "new", tmp_path / "new" / "kept"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_an_address_is_refused(table):
    X, y = table
    with pytest.raises(ValueError, match="results='s3://bucket/results' is an address"):
        compare_classifiers({}, X, y, results="s3://bucket/results")
