"""A fit that fails leaves an estimator as it was: fitted as before, or not fitted."""

from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import skgenre
from skgenre import (
    AudioDescriptorTransformer,
    FeatureWizSelector,
    GaussianMixtureClassifier,
    GroupStackingClassifier,
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    OnnxGenreClassifier,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    UnifiedGenreClassifier,
    Wav2VecClassifier,
    Wav2VecEmbedder,
)

try:
    HAS_FEATUREWIZ = version("featurewiz") == "0.6.1"
except PackageNotFoundError:
    HAS_FEATUREWIZ = False

SHORT = {"sr": 1000, "n_fft": 64, "hop_length": 16, "n_mels": 8, "duration": 0.5}
NET = {"epochs": 1, "learning_rate": 1e-2, "random_state": 0}
PRETRAINED = {"device": "cpu", "precision": "float32"}
LINEAR = make_pipeline(StandardScaler(), LogisticRegression())

ESTIMATORS = {
    "mel": MelSpectrogramTransformer(**SHORT),
    "mfcc": MFCCSegmenter(**SHORT, n_mfcc=4, n_segments=2),
    "descriptors": AudioDescriptorTransformer(n_fft=256, hop_length=128, n_mels=20, duration=0.05),
    "net": OnnxEmbedder(duration=0.1),
    "embedder": Wav2VecEmbedder(**PRETRAINED, duration=0.1),
    "scaler": SpectrogramScaler(),
    "minmax": SpectrogramScaler(method="minmax"),
    "summarizer": SegmentSummarizer(),
    "selector": FeatureWizSelector(skip_xgboost=True),
    "voting": SegmentVotingClassifier(LINEAR),
    "mixture": GaussianMixtureClassifier(1, random_state=0),
    "stack": GroupStackingClassifier([("linear", LINEAR), ("mixture", LINEAR)], cv=2),
    "pool": GroupStackingClassifier([("linear", LINEAR), ("mixture", LINEAR)], "pool", cv=2),
    "selective": SelectiveClassifier(LINEAR, target_precision=0.5, cv=2),
    "unified": UnifiedGenreClassifier(
        branches=[("scale", StandardScaler()), ("lda", LinearDiscriminantAnalysis())], cv=2
    ),
    "ann": KerasANNClassifier((4,), **NET),
    "cnn": KerasCNNClassifier(architecture_params={"filters": (4,), "dense_units": 4}, **NET),
    "rnn": KerasRNNClassifier(architecture_params={"units": (4,), "dense_units": 4}, **NET),
    "fine-tuned": Wav2VecClassifier(**PRETRAINED, **NET, segment_duration=0.02),
}
TABLES = {"selector", "stack", "pool", "selective", "unified"}
CLIPS = {"mel", "mfcc", "descriptors", "net", "embedder", "fine-tuned"}
STATELESS = {"mel", "mfcc", "descriptors", "net", "embedder"}


NAMES = [
    # the fit of the other nets is that of "ann"
    pytest.param(name, marks=pytest.mark.slow if name in ("cnn", "rnn") else ())
    for name in ESTIMATORS
]


class CtrlC(KeyboardInterrupt):
    pass


@pytest.fixture(params=NAMES)
def name(request):
    if request.param == "selector" and not HAS_FEATUREWIZ:
        pytest.skip("featurewiz is not installed")
    return request.param


@pytest.fixture
def estimator(name, request):
    estimator = clone(ESTIMATORS[name])
    if name == "net":
        estimator.set_params(model=str(request.getfixturevalue("nets") / "tiny.onnx"))
    if "checkpoint" in estimator.get_params():
        estimator.set_params(checkpoint=str(request.getfixturevalue("checkpoints") / "as-it-is"))
    return estimator


def first_songs(name):
    return make_songs(name, ["blues", "jazz", "rock"], 0)


def other_songs(name):
    """Return songs of other genres, which have another shape."""
    return make_songs(name, ["dark", "happy"], 1)


def make_songs(name, genres, surplus):
    rng = np.random.RandomState(surplus)
    y = np.repeat(genres, 8)
    if name in CLIPS:
        return rng.normal(scale=0.1, size=(len(y), 2000 + surplus)).astype(np.float32), y
    shape = (6 + surplus,) if name in TABLES else (2, 4 + surplus, 10)
    X = rng.normal(size=(len(y), *shape)).astype(np.float32)
    for shift, genre in enumerate(genres):
        X[y == genre] += shift
    return X, y


def answers(estimator, X):
    methods = ("predict", "predict_proba", "transform")
    return {name: getattr(estimator, name)(X) for name in methods if hasattr(estimator, name)}


def assert_is_as_before(estimator, before, X, expected):
    assert vars(estimator) == before
    found = answers(estimator, X)
    assert found.keys() == expected.keys()
    for method, answer in expected.items():
        assert_array_equal(found[method], answer)


def interrupt_after(monkeypatch, estimator, n_attributes):
    """Let a fit be interrupted when it has set so many attributes."""
    n_set = 0

    def set_and_count(self, name, value):
        nonlocal n_set
        object.__setattr__(self, name, value)
        n_set += self is estimator
        if self is estimator and n_set == n_attributes:
            raise CtrlC

    monkeypatch.setattr(type(estimator), "__setattr__", set_and_count, raising=False)


def fit_with_interrupts(monkeypatch, estimator, songs, check):
    """Interrupt fits after one attribute, after two, and so on, until there are no more to set."""
    for n_attributes in range(1, 30):
        with monkeypatch.context() as patch:
            interrupt_after(patch, estimator, n_attributes)
            try:
                estimator.fit(*songs)
            except CtrlC:
                check()
            else:
                return n_attributes - 1
    raise AssertionError("a fit that sets 30 attributes")


def test_a_refit_that_is_interrupted_anywhere_changes_nothing(name, estimator, monkeypatch):
    X, y = first_songs(name)
    before = dict(vars(estimator.fit(X, y)))
    expected = answers(estimator, X)
    n_interrupts = fit_with_interrupts(
        monkeypatch,
        estimator,
        other_songs(name),
        lambda: assert_is_as_before(estimator, before, X, expected),
    )
    assert n_interrupts > 0
    if hasattr(estimator, "classes_"):
        assert estimator.classes_.tolist() == ["dark", "happy"]


def test_a_first_fit_that_is_interrupted_anywhere_leaves_no_trace(name, estimator, monkeypatch):
    before = dict(vars(estimator))

    def check():
        assert vars(estimator) == before
        if name not in STATELESS:
            with pytest.raises(NotFittedError):
                check_is_fitted(estimator)

    assert fit_with_interrupts(monkeypatch, estimator, first_songs(name), check) > 0


def test_a_refit_on_what_is_refused_changes_nothing(name, estimator):
    X, y = first_songs(name)
    before = dict(vars(estimator.fit(X, y)))
    expected = answers(estimator, X)
    X_other, y_other = other_songs(name)
    infinite = X_other.copy()
    infinite[-1] = np.inf
    refused = [(infinite, y_other), (X_other[:0], y_other[:0]), ("songs", y_other)]
    if hasattr(estimator, "predict"):
        refused += [(X_other, None), (X_other, y_other[1:])]
    for songs in refused:
        with pytest.raises((ValueError, TypeError)):
            estimator.fit(*songs)
        assert_is_as_before(estimator, before, X, expected)


def test_every_public_estimator_is_interrupted():
    public = {getattr(skgenre, name) for name in skgenre.__all__}
    public_estimators = {item for item in public if hasattr(item, "get_params")}
    # it is never fitted
    interrupted = public_estimators - {OnnxGenreClassifier}
    assert interrupted == {type(estimator) for estimator in ESTIMATORS.values()}
