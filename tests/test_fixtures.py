"""Pickles and model files of all versions answer as when `tools/make_fixtures.py` made them.

Nobody may make them anew: where one of these tests fails, old files of users fail as well.
"""

import json
import lzma
import os
import pickle
import re
import warnings
from functools import lru_cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.fixes import parse_version

import skgenre
from skgenre import load_model, model_card
from skgenre._base import installed_versions
from skgenre.recipes import RECIPES

FIXTURES = Path(__file__).parent / "fixtures"
RECORDS = {
    path.parent.name: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted(FIXTURES.glob("*/answers.json"))
}
# Processors differ in the order in which they add; the maker asks for the same bits on its own.
ATOL = 0 if os.environ.get("SKGENRE_FIXTURES") == "exact" else 1e-5
# by what a pickle names, whose versions matter to it
NEEDED = {
    b"sklearn": ("numpy", "scikit-learn"),
    b"Keras": ("keras", "tensorflow"),
    b"Wav2Vec": ("torch", "transformers"),
}


@lru_cache
def read_songs(folder):
    """Return the songs that all files of a folder are asked for."""
    with np.load(folder / "songs.npz") as kept:
        return [kept[name] / np.float32(2**15) for name in sorted(kept)]


def ask(clf, folder, columns):
    """Return the genres of the songs, and their probabilities."""
    X = read_songs(folder)
    if hasattr(clf, "feature_names_in_"):
        X = pd.DataFrame({"path": X, **columns})
    return clf.predict(X), clf.predict_proba(X)


def list_learnt(value):
    """Return what estimators of skgenre inside a value have learnt, of what is documented."""
    if isinstance(value, dict):
        return set().union(*map(list_learnt, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(list_learnt, value))
    if not isinstance(value, BaseEstimator):
        return set()
    inside, kind = list_learnt(vars(value)), type(value)
    if not kind.__module__.startswith("skgenre."):
        return inside
    lines = re.findall(r"^    (\w+_(?:, \w+_)*) :", kind.__doc__ or "", flags=re.MULTILINE)
    documented = ", ".join(lines).split(", ")
    return inside | {f"{kind.__name__}.{name}" for name in documented if hasattr(value, name)}


def files_of(kind):
    return [(version, name) for version, record in RECORDS.items() for name in record[kind]]


def check_answer(clf, version, known):
    genres, proba = ask(clf, FIXTURES / version, RECORDS[version]["columns"])
    assert genres.tolist() == known["genres"]
    assert_allclose(proba, known["probabilities"], rtol=0, atol=ATOL)


def skip_where_libraries_are_older(path, made_with):
    """Skip a pickle that a library made which is older here, and may not know it."""
    held = lzma.decompress(path.read_bytes())
    for sign, packages in NEEDED.items():
        for package, here in installed_versions(packages if sign in held else ()).items():
            if here == "unknown":
                pytest.skip(f"{package} is not installed")
            if parse_version(here).release[:2] < parse_version(made_with[package]).release[:2]:
                pytest.skip(f"made with {package} {made_with[package]}, here is {here}")


@pytest.mark.parametrize(("version", "name"), files_of("pickles"))
def test_pickles(version, name, monkeypatch):
    folder, known = FIXTURES / version, RECORDS[version]["pickles"][name]
    path, made_with = folder / f"{name}.joblib", known["made_with"]
    skip_where_libraries_are_older(path, made_with)
    # where the checkpoint is that some need
    monkeypatch.chdir(folder)
    with warnings.catch_warnings():
        if made_with != installed_versions(made_with):
            warnings.simplefilter("ignore", InconsistentVersionWarning)
        clf = joblib.load(path)
    check_answer(clf, version, known)
    assert set(known["learnt"]) <= list_learnt(clf)
    # parameters that are new since then have their defaults
    clone(clf)


@pytest.mark.parametrize(("version", "name"), files_of("models"))
def test_model_files(version, name, tmp_path):
    path = tmp_path / f"{name}.onnx"
    path.write_bytes(lzma.decompress((FIXTURES / version / f"{name}.onnx.xz").read_bytes()))
    check_answer(load_model(path), version, RECORDS[version]["models"][name])
    assert "genres" in model_card(path)


@pytest.mark.skipif(
    skgenre.__version__ not in RECORDS,
    reason="this version has no fixtures; tools/make_fixtures.py makes them before its release",
)
def test_every_recipe_and_estimator_of_this_version_is_kept():
    folder, pickles = FIXTURES / skgenre.__version__, RECORDS[skgenre.__version__]["pickles"]
    kept = [RECIPES[name] for name in RECIPES if name in pickles]
    assert [name for name, recipe in RECIPES.items() if recipe not in kept] == []
    held = b"".join(lzma.decompress(path.read_bytes()) for path in folder.glob("*.joblib"))
    public = [getattr(skgenre, name) for name in skgenre.__all__]
    estimators = [
        kind.__name__
        for kind in public
        if isinstance(kind, type) and issubclass(kind, BaseEstimator)
    ]
    assert [name for name in estimators if name.encode() not in held] == []


def test_nets_pickled_where_their_functions_once_were():
    """Made by an early 0.1.0, when `neural_network` had no folder of architectures."""
    path = FIXTURES / "nets_0.1.0.joblib"
    pytest.importorskip("tensorflow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        kept, songs = joblib.load(path)
    assert set(kept) == {"dense", "mfcc", "indrnn"}
    for clf, proba in kept.values():
        assert_allclose(clf.predict_proba(songs), proba, atol=1e-5)
        copied = pickle.loads(pickle.dumps(clf))
        assert_array_equal(copied.predict_proba(songs), clf.predict_proba(songs))
