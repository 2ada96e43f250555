"""Fitted pipelines go to other processes and answer there as they did here."""

import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    AudioDescriptorTransformer,
    GaussianMixtureClassifier,
    KerasANNClassifier,
    KerasCNNClassifier,
    MFCCSegmenter,
    SegmentVotingClassifier,
    SpectrogramScaler,
    _base,
)

SMALL = {"epochs": 2, "random_state": 0}
CLASSIFIERS = {
    "nets": [
        KerasCNNClassifier(architecture_params={"filters": (4,)}, **SMALL),
        KerasANNClassifier((8,), **SMALL),
    ],
    "others": [SegmentVotingClassifier(LogisticRegression()), GaussianMixtureClassifier(1)],
}

PREDICT = """
import sys, joblib, numpy as np
fitted, paths = joblib.load(sys.argv[1])
np.save(sys.argv[2], [clf.predict_proba(paths) for clf in fitted])
assert "scikeras" not in sys.modules or sys.argv[3] == "nets"
"""


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_a_fresh_process_gives_the_same_bits(song_files, tmp_path, kind):
    paths, y, _ = song_files
    fitted = [
        make_pipeline(
            MFCCSegmenter(duration=1.5, n_segments=3), SpectrogramScaler(), clone(classifier)
        ).fit(paths, y)
        for classifier in CLASSIFIERS[kind]
    ]
    joblib.dump((fitted, paths), tmp_path / "clf.joblib")
    arguments = [tmp_path / "clf.joblib", tmp_path / "proba.npy", kind]
    subprocess.run([sys.executable, "-c", PREDICT, *arguments], check=True)
    for clf, there in zip(fitted, np.load(tmp_path / "proba.npy"), strict=True):
        assert_array_equal(there, clf.predict_proba(paths))


def test_a_table_of_descriptors_in_a_fresh_process(song_files, tmp_path):
    paths, y, _ = song_files
    describe = AudioDescriptorTransformer(features=("chroma_stft", "tempo"), duration=1.5)
    clf = make_pipeline(describe, StandardScaler(), LogisticRegression()).fit(paths, y)
    joblib.dump(([clf], paths), tmp_path / "clf.joblib")
    arguments = [tmp_path / "clf.joblib", tmp_path / "proba.npy", "others"]
    subprocess.run([sys.executable, "-c", PREDICT, *arguments], check=True)
    # not to the bit: a float32 product depends on the threads that BLAS has in either process
    assert_allclose(np.load(tmp_path / "proba.npy")[0], clf.predict_proba(paths), rtol=1e-4)


def test_a_pickle_holds_the_net_without_its_optimizer(bags):
    clf = KerasANNClassifier((64,), **SMALL).fit(*bags)
    n_weights = clf.model_.count_params()
    assert len(pickle.dumps(clf)) < 2 * 4 * n_weights + 30_000
    assert clf.__getstate__()["model_"].startswith(b"PK")


def test_other_versions_warn(monkeypatch, bags):
    data = pickle.dumps(SpectrogramScaler().fit(bags[0]))
    pickle.loads(data)
    versions = {"skgenre": "99.0"}
    installed = _base._installed_version
    monkeypatch.setattr(
        _base, "_installed_version", lambda package: versions.get(package) or installed(package)
    )
    with pytest.warns(InconsistentVersionWarning, match=r"SpectrogramScaler.*skgenre 99\.0"):
        pickle.loads(data)


def test_nets_pickled_where_their_functions_once_were_answer_as_then():
    """Made by version 0.1.0, when `neural_network` had no folder of architectures."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        kept, songs = joblib.load(Path(__file__).parent / "fixtures" / "nets_0.1.0.joblib")
    assert set(kept) == {"dense", "mfcc", "indrnn"}
    for clf, proba in kept.values():
        assert_allclose(clf.predict_proba(songs), proba, atol=1e-5)
        copied = pickle.loads(pickle.dumps(clf))
        assert_array_equal(copied.predict_proba(songs), clf.predict_proba(songs))
