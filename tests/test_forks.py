"""Nets in processes made by a fork: an error in words where they would wait for ever."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.linear_model import LogisticRegression

from skgenre import KerasANNClassifier, SegmentVotingClassifier, Wav2VecClassifier, Wav2VecEmbedder
from skgenre._seeding import global_generators_kept

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    # what Python 3.12 and later say of every fork like these
    pytest.mark.filterwarnings("ignore:.*is multi-threaded, use of fork:DeprecationWarning"),
]
# far more than anything here takes: what waits for ever is to be seen as that
LONG = 120


def ann():
    return KerasANNClassifier((4,), epochs=1, random_state=0)


def in_a_fork(function, *args):
    """Return what a function returns or raises in a forked process."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply_async(_answer, (function, args)).get(timeout=LONG)


def _answer(function, args):
    try:
        return function(*args)
    except RuntimeError as error:
        return error


@pytest.fixture(scope="module")
def net(bags):
    return ann().fit(*bags)


def assert_refused(answer, library):
    assert isinstance(answer, RuntimeError)
    assert answer.args[0].startswith(f"{library} had been used by a net before this process was")
    assert "'loky'" in answer.args[0]
    assert "'spawn'" in answer.args[0]


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_segment_proba", "transform"]
)
def test_a_net_that_is_inherited(bags, net, method):
    assert_refused(in_a_fork(_ask_inherited, method, bags[0]), "TensorFlow")


def _ask_inherited(method, X):
    return getattr(_inherited, method)(X)


_inherited = None


@pytest.fixture(autouse=True)
def _inherit(net):
    global _inherited
    _inherited = net


def test_a_net_that_is_sent(bags, net):
    assert_refused(in_a_fork(net.predict, bags[0]), "TensorFlow")


def test_a_new_fit(bags, net):
    assert_refused(in_a_fork(ann().fit, *bags), "TensorFlow")


def test_a_warm_start(bags):
    clf = ann().set_params(warm_start=True).fit(*bags)
    assert_refused(in_a_fork(clf.fit, *bags), "TensorFlow")


def test_a_net_that_is_sent_back_is_whole(bags, net):
    returned = in_a_fork(_return, net)
    assert_array_equal(returned.predict_proba(bags[0]), net.predict_proba(bags[0]))


def _return(value):
    return value


@pytest.mark.slow
def test_joblib(bags, net):
    X, _ = bags
    with pytest.raises(RuntimeError, match="TensorFlow had been used"):
        joblib.Parallel(2, backend="multiprocessing", timeout=LONG)(
            joblib.delayed(net.predict)(X) for _ in range(2)
        )
    answers = joblib.Parallel(2, backend="loky")(joblib.delayed(net.predict)(X) for _ in range(2))
    assert_array_equal(answers[0], net.predict(X))


def test_what_has_no_net_works_beside_one(bags, net):
    X, y = bags
    clf = SegmentVotingClassifier(LogisticRegression())
    assert_array_equal(in_a_fork(_fit_predict, clf, X, y), clf.fit(X, y).predict(X))


def _fit_predict(clf, X, y):
    return clf.fit(X, y).predict(X)


@pytest.mark.slow
def test_pretrained_models(checkpoints):
    X = np.random.RandomState(0).normal(scale=0.1, size=(4, 2000)).astype(np.float32)
    params = {"checkpoint": str(checkpoints / "as-it-is"), "device": "cpu", "precision": "float32"}
    embedder = Wav2VecEmbedder(**params, duration=0.1)
    clf = Wav2VecClassifier(**params, segment_duration=0.05, epochs=1, random_state=0)
    clf.fit(X, ["a", "b"] * 2)
    for ask in (clf.predict, clf.transform, embedder.fit_transform):
        assert_refused(in_a_fork(ask, X), "torch")
    assert_refused(in_a_fork(clf.fit, X, ["a", "b"] * 2), "torch")
    returned = in_a_fork(_return, clf)
    assert_array_equal(returned.predict_proba(X), clf.predict_proba(X))


CHILD_OF_AN_UNUSED_PARENT = """
import multiprocessing, pickle, sys
import skgenre.neural_network._keras
clf, X, y = pickle.load(open(sys.argv[1], "rb"))
with multiprocessing.get_context("fork").Pool(1) as pool:
    fitted = pool.apply_async(clf.fit, (X, y)).get(timeout=100)
print(fitted.score(X, y))
"""


@pytest.mark.slow
def test_a_parent_that_has_used_no_net(bags, tmp_path):
    (tmp_path / "clf").write_bytes(pickle.dumps((ann(), *bags)))
    command = [sys.executable, "-c", CHILD_OF_AN_UNUSED_PARENT, str(tmp_path / "clf")]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONG)
    assert float(answer.stdout) >= 0


def test_a_lock_that_a_thread_of_the_parent_holds():
    is_held, is_over = threading.Event(), threading.Event()

    def hold():
        with global_generators_kept():
            is_held.set()
            is_over.wait(LONG)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(LONG)
    try:
        assert in_a_fork(_take_the_lock) == "taken"
    finally:
        is_over.set()
        thread.join()


def _take_the_lock():
    with global_generators_kept():
        return "taken"
