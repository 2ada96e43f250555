"""Fitted pipelines go to other processes and answer there as they did here."""

import contextlib
import copy
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

import skgenre
from skgenre import (
    AudioDescriptorTransformer,
    GaussianMixtureClassifier,
    GroupStackingClassifier,
    KerasANNClassifier,
    KerasCNNClassifier,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
    UnifiedGenreClassifier,
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


def stack():
    models = [
        ("mixture", GaussianMixtureClassifier(1)),
        ("trees", SegmentVotingClassifier(GradientBoostingClassifier(n_estimators=2))),
        ("forest", make_pipeline(SegmentSummarizer(), RandomForestClassifier(3))),
    ]
    return GroupStackingClassifier(models, cv=2)


@contextlib.contextmanager
def other_versions(monkeypatch, versions):
    """Let pickles be made as where packages have other versions."""
    installed = _base._installed_version
    with monkeypatch.context() as patch:
        patch.setattr(
            _base, "_installed_version", lambda package: versions.get(package) or installed(package)
        )
        patch.setattr("sklearn.base.__version__", versions.get("scikit-learn", sklearn.__version__))
        yield


def dump_and_load(value, how, path):
    if how is pickle:
        path.write_bytes(pickle.dumps(value))
        return lambda: pickle.loads(path.read_bytes())
    joblib.dump(value, path)
    return lambda: joblib.load(path)


@pytest.mark.parametrize("how", [pickle, joblib])
@pytest.mark.parametrize(
    "make",
    [
        SpectrogramScaler,
        lambda: GaussianMixtureClassifier(1),
        lambda: SegmentVotingClassifier(make_pipeline(StandardScaler(), LogisticRegression())),
        lambda: SegmentVotingClassifier(CalibratedClassifierCV(LogisticRegression(), cv=2)),
        lambda: SegmentVotingClassifier(GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2)),
        stack,
        lambda: UnifiedGenreClassifier(branches=[("summary", SegmentSummarizer())]),
    ],
    ids=["scaler", "mixture", "voting", "calibrated", "search", "stack", "unified"],
)
def test_other_versions_are_one_warning(monkeypatch, bags, tmp_path, make, how):
    X, y = bags
    clf = make().fit(X, y)
    with other_versions(monkeypatch, {"scikit-learn": "1.5.0", "numpy": "1.26.4"}):
        load = dump_and_load(clf, how, tmp_path / "clf")
    with pytest.warns() as warned:
        copied = load()
    (warning,) = warned
    assert warning.category is _base.OtherVersionsWarning
    assert issubclass(warning.category, InconsistentVersionWarning)
    text = str(warning.message)
    assert len(text) < 300
    assert f"made with scikit-learn 1.5.0 ({sklearn.__version__} here), numpy 1.26.4" in text
    answers = "predict_proba" if hasattr(clf, "predict_proba") else "transform"
    assert_array_equal(getattr(copied, answers)(X), getattr(clf, answers)(X))


def test_a_pipeline_of_ours_is_one_warning_besides_those_of_scikit_learn(monkeypatch, bags):
    clf = make_pipeline(SpectrogramScaler(), SegmentSummarizer(), LogisticRegression()).fit(*bags)
    with other_versions(monkeypatch, {"numpy": "1.26.4"}):
        data = pickle.dumps(clf)
    with pytest.warns(_base.OtherVersionsWarning) as warned:
        pickle.loads(data)
    assert len(warned) == 1
    with other_versions(monkeypatch, {"scikit-learn": "1.5.0"}):
        data = pickle.dumps(clf)
    with pytest.warns(InconsistentVersionWarning) as warned:
        pickle.loads(data)
    ours = [w for w in warned if w.category is _base.OtherVersionsWarning]
    assert len(ours) == 1
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        # what the documentation tells to do
        warnings.filterwarnings("ignore", "Trying to unpickle estimator")
        pickle.loads(data)
    assert [w.category for w in warned] == [_base.OtherVersionsWarning]


def test_each_load_warns(monkeypatch, bags):
    with other_versions(monkeypatch, {"numpy": "1.26.4"}):
        data = pickle.dumps(SpectrogramScaler().fit(bags[0]))
    for _ in range(2):
        with pytest.warns(_base.OtherVersionsWarning, match="numpy"):
            pickle.loads(data)


@pytest.mark.parametrize(
    "versions", [{}, {"torch": "1.0"}, {"numpy": f"{np.__version__}+another.build"}]
)
def test_versions_that_do_not_matter_do_not_warn(monkeypatch, bags, versions):
    with other_versions(monkeypatch, versions):
        data = pickle.dumps(GaussianMixtureClassifier(1).fit(*bags))
    pickle.loads(data)


def test_every_package_that_matters_is_noted():
    public = [getattr(skgenre, name) for name in skgenre.__all__]
    noted = {package for item in public for package in getattr(item, "_stamped_packages", ())}
    assert noted == set(_base._PACKAGES)


def test_a_package_that_is_missing_here(monkeypatch, bags):
    data = pickle.dumps(SpectrogramScaler().fit(bags[0]))
    with (
        other_versions(monkeypatch, {"numpy": "unknown"}),
        pytest.warns(_base.OtherVersionsWarning, match=r"numpy [\d.]+ \(not installed here\)"),
    ):
        pickle.loads(data)


def test_containers_of_estimators_come_back_as_they_are():
    inside = StandardScaler()
    held = {1: inside, "list": [inside, 2], "tuple": (inside,), "bunch": Bunch(a=inside, b=0)}
    held["array"] = np.array([[inside, None]], dtype=object)
    scaler = SpectrogramScaler(method=held)
    for copied in (pickle.loads(pickle.dumps(scaler)), copy.copy(scaler), copy.deepcopy(scaler)):
        method = copied.method
        assert list(method) == list(held)
        first = method[1]
        assert type(first) is StandardScaler
        assert method["list"] == [first, 2]
        assert method["tuple"] == (first,)
        assert method["bunch"] == Bunch(a=first, b=0)
        assert method["array"].tolist() == [[first, None]]


def test_a_pickle_holds_what_is_shared_once(bags):
    clf = stack().fit(*bags)
    copied = pickle.loads(pickle.dumps(clf))
    assert copied.estimators_[2] is copied.named_estimators_["forest"]
    forest = copied.estimators_[2][-1]
    assert forest.estimators_[0].random_state == clf.estimators_[2][-1].estimators_[0].random_state


@pytest.mark.parametrize("copy_of", [copy.copy, copy.deepcopy, clone])
def test_copies(bags, copy_of):
    X, y = bags
    clf = stack().fit(X, y)
    copied = copy_of(clf)
    if copy_of is clone:
        copied.fit(X, y)
    assert type(copied.estimators_[2]) is Pipeline
    assert copied.predict_proba(X).shape == clf.predict_proba(X).shape
    assert type(copied.estimators[2][1]) is Pipeline


def test_parts_that_lead_back_to_themselves():
    part = LogisticRegression(C=0.5)
    part.context = {"of": [part]}
    clf = SegmentVotingClassifier(part)
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        loaded = pickle.loads(pickle.dumps(clf, protocol)).estimator
        assert loaded.context["of"][0] is loaded
        assert loaded.C == 0.5
    copied = copy.deepcopy(clf).estimator
    assert copied.context["of"][0] is copied
    assert copied is not part
