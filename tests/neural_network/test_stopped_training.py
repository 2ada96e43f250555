"""Files of stopped trainings that are not what was saved: named in one warning, and passed over."""

import os
import pickle
import warnings
import zipfile

import numpy as np
import pytest
from numpy.testing import assert_array_equal

torch = pytest.importorskip("torch")

from skgenre import Wav2VecClassifier  # noqa: E402
from skgenre._pretrained._resume import SavedTraining  # noqa: E402

STATE = {
    "training": {"weights": {"head": torch.arange(6.0)}, "history": {"loss": [1.5]}},
    "best": {"loss": float("inf"), "epoch": -1, "weights": None},
    "epoch": 0,
}


class Evil:
    def __reduce__(self):
        return os.mkdir, ("code-was-run",)


@pytest.fixture
def saved(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    saved = SavedTraining("folder", "name")
    saved.save(STATE)
    return saved


def load(saved):
    """Return what is loaded, or None if it is passed over with one warning that names the file."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        state = saved.load()
    if state is None:
        assert len(warned) == 1
        assert "'folder/name.pt' is damaged and ignored" in str(warned[0].message)
        assert len(str(warned[0].message)) < 250
    else:
        assert not warned
    return state


def test_what_is_saved_is_loaded(saved):
    assert str(load(saved)) == str(STATE)
    assert os.stat("folder").st_mode & 0o777 == 0o700


def test_each_flipped_bit_is_found(saved):
    whole = saved._file.read_bytes()
    for place in range(0, len(whole), 3):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        saved._file.write_bytes(flipped)
        assert load(saved) is None


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut(saved, share):
    os.truncate(saved._file, int(share * saved._file.stat().st_size))
    assert load(saved) is None


OTHERS = {
    "list": lambda file: torch.save([1], file),
    "tensor": lambda file: torch.save(torch.ones(3), file),
    "state": lambda file: torch.save(STATE, file),
    "code": lambda file: torch.save(Evil(), file),
    "old-code": lambda file: torch.save(Evil(), file, _use_new_zipfile_serialization=False),
    "pickle": lambda file: file.write_bytes(pickle.dumps(Evil())),
    "picture": lambda file: file.write_bytes(b"\xff\xd8\xff" * 700),
    "zip": lambda file: zipfile.ZipFile(file, "w").writestr("song.txt", "la"),
    "packed": lambda file: zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED).writestr(
        "a/b", "a" * 99
    ),
}


@pytest.mark.parametrize("write", OTHERS.values(), ids=OTHERS)
def test_files_of_others(saved, write):
    write(saved._file)
    assert load(saved) is None
    assert not os.path.exists("code-was-run")


def test_the_file_of_another_training(saved):
    SavedTraining("elsewhere", "other").save(STATE)
    os.replace("elsewhere/other.pt", saved._file)
    assert load(saved) is None


def test_code_behind_a_right_checksum_is_not_run(saved):
    saved.save(Evil())
    assert load(saved) is None
    assert not os.path.exists("code-was-run")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file(saved, make):
    saved._file.unlink()
    make(saved._file)
    assert load(saved) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda state: 5,
        lambda state: {},
        lambda state: {**state, "training": {**state["training"], "weights": {}}},
        lambda state: {**state, "training": {**state["training"], "optimizer": {"state": {}}}},
        lambda state: {**state, "epoch": "last"},
        lambda state: {**state, "best": None},
    ],
    ids=["number", "empty", "weights", "optimizer", "epoch", "best"],
)
def test_a_fit_starts_from_its_beginning(checkpoints, tmp_path, monkeypatch, damage):
    """Also where the file is whole and of this name, but was made by somebody else."""
    rng = np.random.RandomState(0)
    X, y = rng.normal(scale=0.1, size=(6, 2000)).astype(np.float32), ["a", "b"] * 3
    params = {"segment_duration": 0.05, "epochs": 2, "precision": "float32", "random_state": 0}
    clf = Wav2VecClassifier(checkpoint=checkpoints / "as-it-is", **params)
    expected = clf.fit(X, y).predict_proba(X)
    save = SavedTraining.save

    def save_and_stop(self, state):
        save(self, state)
        raise KeyboardInterrupt

    monkeypatch.setattr(SavedTraining, "save", save_and_stop)
    clf.set_params(checkpoint_dir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    monkeypatch.setattr(SavedTraining, "save", save)
    (file,) = tmp_path.iterdir()
    SavedTraining(tmp_path, file.stem).save(damage(torch.load(file, weights_only=True)))
    with pytest.warns(UserWarning, match="ignored; this one starts") as warned:
        clf.fit(X, y)
    (warning,) = warned
    assert str(file) in str(warning.message)
    assert_array_equal(clf.predict_proba(X), expected)
    assert clf.history_["loss"][1:]
    assert not list(tmp_path.iterdir())
