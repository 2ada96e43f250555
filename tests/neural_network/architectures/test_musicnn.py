"""musicnn in Keras is musicnn, and learns on."""

import pickle
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skgenre import KerasCNNClassifier, MelSpectrogramTransformer
from skgenre._onnx._net import open_net
from skgenre._onnx._weights import read_weights
from skgenre.neural_network.architectures import musicnn

N_FRAMES = 187
SHORT = {"epochs": 5, "learning_rate": 1e-2, "batch_size": 4, "random_state": 0}


@pytest.fixture(scope="module")
def heard():
    """Return decibels of a sound with pitches, beats and silence, (1, 96, 187)."""
    rng = np.random.RandomState(0)
    time = np.arange(16000 * 3) / 16000
    tones = np.sin(2 * np.pi * np.array([[110], [440], [1318]]) * time).sum(axis=0)
    beats = rng.normal(size=time.size) * np.exp(-20 * (time % 0.5))
    waveform = (0.1 * tones + 0.2 * beats) * (time > 0.3)
    mel = MelSpectrogramTransformer(
        sr=16000, n_fft=512, hop_length=256, n_mels=96, top_db=None, duration=3.0
    )
    return mel.fit_transform(waveform[np.newaxis].astype(np.float32))[..., :N_FRAMES]


@pytest.fixture(scope="module")
def segments():
    """Return short noises of two genres, (8, 96, 16), and their genres."""
    rng = np.random.RandomState(0)
    X = rng.normal(-20, 10, size=(8, 96, 16)).astype(np.float32)
    X[4:, 40:] -= 30
    return X, np.repeat(["high", "low"], 4)


@pytest.fixture(scope="module")
def fitted(segments):
    return KerasCNNClassifier(architecture="musicnn", **SHORT).fit(*segments)


def weights_of(model):
    """Return copies of what musicnn in a net consists of, by name."""
    return {
        f"{layer.name}/{weight.name}": weight.numpy()
        for layer in model.layers[1].layers
        for weight in layer.weights
    }


def test_it_computes_what_onnxruntime_does(heard):
    base = musicnn((96, N_FRAMES, 1), 3).layers[1]
    pools = [base.get_layer(name).output for name in ("max_pool", "mean_pool")]
    ours = keras.Model(base.input, [*base.outputs, *pools])(heard[..., np.newaxis])
    session = onnxruntime.InferenceSession(open_net("musicnn-msd").data)
    patches = np.log10(1 + 10000 * 10 ** (heard.astype(np.float64) / 10)).transpose(0, 2, 1)
    theirs = session.run(
        ["penultimate", "max_pool", "mean_pool"], {"melspectrogram": patches.astype(np.float32)}
    )
    for found, expected in zip(ours, theirs, strict=True):
        assert expected.std() > 0.1
        assert_allclose(np.asarray(found), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_frames", [1, 500])
def test_segments_of_any_length_are_taken(n_frames):
    segments = np.zeros((2, 96, n_frames, 1), dtype=np.float32)
    assert_allclose(np.asarray(musicnn((96, n_frames, 1), 3)(segments)).sum(axis=1), 1, rtol=1e-5)


def test_other_bands_are_refused(segments):
    X, y = segments
    clf = KerasCNNClassifier(architecture="musicnn", **SHORT)
    with pytest.raises(
        ValueError, match=r"96 bands, got segments of shape \(40, 16\).*top_db=None"
    ):
        clf.fit(X[:, :40], y)


def test_a_frozen_base_stays_as_it_was(segments, fitted):
    before, after = weights_of(musicnn((96, 16, 1), 2)), weights_of(fitted.model_)
    assert len(after) == 62
    for name, values in before.items():
        assert_array_equal(after[name], values)
    assert fitted.score(*segments) == 1


@pytest.mark.slow
def test_without_freezing_all_learns_but_batch_normalisation(segments, fitted):
    X, y = segments
    free = clone(fitted).set_params(architecture_params={"freeze_base": False}, epochs=1)
    free.fit(X, y)
    frozen = weights_of(fitted.model_)
    for name, values in weights_of(free.model_).items():
        is_kept = "norm" in name or "penultimate" in name
        assert np.array_equal(values, frozen[name]) == is_kept, name


@pytest.mark.slow
def test_the_head_first_and_then_all(segments, fitted):
    X, y = segments
    clf = clone(fitted).set_params(warm_start=True).fit(X, y)
    head = clf.model_.layers[-1].get_weights()[0]
    frozen = weights_of(clf.model_)
    clf.set_params(architecture_params={"freeze_base": False}, learning_rate=1e-5, epochs=1)
    thawed = weights_of(clf.fit(X, y).model_)
    assert any(not np.array_equal(thawed[name], frozen[name]) for name in frozen)
    assert_allclose(clf.model_.layers[-1].get_weights()[0], head, atol=1e-3)
    clf.set_params(architecture_params=None).fit(X, y)
    for name, values in weights_of(clf.model_).items():
        assert_array_equal(values, thawed[name])


@pytest.mark.slow
def test_what_is_frozen_is_computed_once_with_the_same_result(segments, fitted):
    X, y = segments
    once = clone(fitted).set_params(dropout=0.0, validation_fraction=0.25).fit(X, y)
    every_step = clone(once).set_params(callbacks=[keras.callbacks.Callback()]).fit(X, y)
    for name, values in every_step.history_.items():
        if name != "seconds":
            assert_allclose(once.history_[name], values, rtol=1e-4)
    assert_allclose(once.predict_proba(X), every_step.predict_proba(X), atol=1e-5)


@pytest.mark.slow
def test_refits_are_identical(segments, fitted):
    X, y = segments
    assert_array_equal(clone(fitted).fit(X, y).predict_proba(X), fitted.predict_proba(X))


def test_it_gives_what_its_head_gets(segments, fitted):
    X, _ = segments
    base = fitted.model_.layers[1]
    assert_allclose(fitted.transform(X), np.asarray(base(X[..., np.newaxis])), atol=1e-5)


@pytest.mark.slow
def test_a_pickle_in_a_fresh_process(segments, fitted, tmp_path):
    X, _ = segments
    (tmp_path / "clf.pickle").write_bytes(pickle.dumps((fitted, X)))
    code = (
        "import pickle, sys, numpy as np; clf, X = pickle.load(open(sys.argv[1], 'rb'));"
        "np.save(sys.argv[2], clf.predict_proba(X)); assert not clf.model_.layers[1].trainable"
    )
    paths = [str(tmp_path / "clf.pickle"), str(tmp_path / "proba.npy")]
    subprocess.run([sys.executable, "-c", code, *paths], check=True)
    assert_allclose(np.load(paths[1]), fitted.predict_proba(X), atol=1e-6)


def test_weights_are_read_in_every_form(tmp_path, save_net):
    onnx = pytest.importorskip("onnx")
    values = np.random.RandomState(0).normal(size=(4, 3)).astype(np.float32)
    half = onnx.numpy_helper.from_array(values.astype(np.float16), "half")
    listed = onnx.helper.make_tensor("listed", onnx.TensorProto.FLOAT, (4, 3), values.ravel())

    def add(model):
        model.graph.initializer.extend([half, listed])

    matrices = save_net(tmp_path / "net.onnx", [4], {"tags": 5}, change=add)
    weights = read_weights(tmp_path / "net.onnx")
    assert set(weights) == {"m_tags", "half", "listed"}
    assert {weight.dtype for weight in weights.values()} == {np.dtype(np.float32)}
    assert_array_equal(weights["m_tags"], matrices["tags"])
    assert_array_equal(weights["listed"], values)
    assert_array_equal(weights["half"], values.astype(np.float16))
