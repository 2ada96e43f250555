import pickle
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import KerasANNClassifier, KerasCNNClassifier, KerasRNNClassifier
from skgenre.neural_network import architectures
from skgenre.neural_network.architectures import (
    blstm_attention,
    indrnn,
    lstm,
    mel_cnn,
    mfcc_cnn,
    residual_cnn,
    spectrogram_cnn,
)

FILTERS = {"filters": (4,), "dense_units": 16}
UNITS = {"units": (8,), "dense_units": 16}
# musicnn is tried in a module of its own
OF_ANY_SIZE = set(KerasCNNClassifier._architectures) - {"musicnn"}
NAMED = [
    *[(KerasANNClassifier, name, {}) for name in KerasANNClassifier._architectures],
    *[(KerasCNNClassifier, name, FILTERS) for name in sorted(OF_ANY_SIZE)],
    *[(KerasRNNClassifier, name, UNITS) for name in KerasRNNClassifier._architectures],
]
FUNCTIONS = [getattr(architectures, name) for name in architectures.__all__ if name != "musicnn"]
for_each_name = pytest.mark.parametrize(
    ("Classifier", "name", "params"), NAMED, ids=[name for _, name, _ in NAMED]
)


def make_classifier(Classifier, name, params):
    return Classifier(
        architecture=name,
        architecture_params=params,
        epochs=10,
        learning_rate=1e-2,
        random_state=0,
    )


def kinds(model):
    return [type(layer).__name__ for layer in model.layers[1:]]


def values(model, name):
    return [getattr(layer, name) for layer in model.layers if hasattr(layer, name)]


def test_the_nets_are_those_of_the_report():
    mel = mel_cnn((128, 1292, 1), 10)
    assert kinds(mel) == [
        *["Conv2D", "MaxPooling2D"] * 2,
        *["Flatten", "Dense", "Dropout", "Dense"],
    ]
    assert values(mel, "filters") == [16, 32]
    mfcc = mfcc_cnn((13, 130, 1), 10)
    assert kinds(mfcc) == [
        *["Conv2D", "MaxPooling2D", "BatchNormalization"] * 3,
        *["Flatten", "Dense", "Dropout", "Dense"],
    ]
    assert values(mfcc, "filters") == [32] * 3
    dense = KerasANNClassifier(epochs=1).fit(np.eye(4), [0, 1, 0, 1]).model_
    assert values(dense, "units") == [512, 256, 64, 2]


def test_2d_blocks_halve_bands_and_frames():
    net = spectrogram_cnn((13, 130, 1), 10, filters=(4, 8))
    assert kinds(net) == [
        *["Conv2D", "MaxPooling2D", "BatchNormalization", "ReLU"] * 2,
        *["AveragePooling2D", "Flatten", "Dense", "Dropout", "Dense"],
    ]
    assert values(net, "kernel_size") == [(3, 3)] * 2
    assert net.get_layer(index=8).output.shape == (None, 4, 33, 8)


def test_the_dense_layer_of_the_2d_net_does_not_grow_with_the_clip():
    short, long = (spectrogram_cnn((13, n_frames, 1), 10) for n_frames in (130, 1300))
    assert short.count_params() == long.count_params()


def test_the_residual_net_convolves_over_time_and_pools_twice():
    net = residual_cnn((13, 130, 1), 10, filters=(4, 8))
    assert kinds(net).count("Conv1D") == 6
    first = next(layer for layer in net.layers if type(layer).__name__ == "Conv1D")
    assert first.input.shape == (None, 130, 13)
    added = [layer for layer in net.layers if type(layer).__name__ == "Add"]
    assert [layer.output.shape for layer in added] == [(None, 130, 4), (None, 65, 8)]
    (pooled,) = [layer for layer in net.layers if type(layer).__name__ == "Concatenate"]
    assert pooled.output.shape == (None, 16)
    assert {"GlobalMaxPooling1D", "GlobalAveragePooling1D"} < set(kinds(net))


def test_the_shortcut_of_the_residual_net_skips_two_convolutions():
    net = residual_cnn((3, 9, 1), 2, filters=(4,))
    segments = np.random.RandomState(0).normal(size=(2, 3, 9, 1)).astype(np.float32)
    before = net(segments)
    kernels = [layer for layer in net.layers if type(layer).__name__ == "Conv1D"]
    for layer in kernels[1:]:
        layer.set_weights([np.zeros_like(weights) for weights in layer.get_weights()])
    without = np.asarray(net(segments))
    assert not np.allclose(without, before)
    assert not np.allclose(without[0], without[1])


@pytest.mark.parametrize(
    ("build", "kind", "n_layers"),
    [(lstm, "LSTM", 2), (indrnn, "IndRNN", 3), (blstm_attention, "Bidirectional", 1)],
)
def test_recurrent_nets_read_frame_by_frame(build, kind, n_layers):
    net = build((13, 130, 1), 10)
    layers = [layer for layer in net.layers if type(layer).__name__ == kind]
    assert len(layers) == n_layers
    assert layers[0].input.shape == (None, 130, 13)


def test_attention_is_a_weighted_mean_over_frames():
    import keras

    net = blstm_attention((3, 7, 1), 2, units=(5,))
    by_kind = {type(layer).__name__: layer for layer in net.layers}
    parts = [by_kind[kind].output for kind in ("Bidirectional", "Activation", "Dot")]
    segments = np.random.RandomState(0).normal(size=(2, 3, 7, 1)).astype(np.float32)
    states, weights, mean = map(np.asarray, keras.Model(net.input, parts)(segments))
    assert states.shape == (2, 7, 10)
    assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
    assert weights.std(axis=1).min() > 1e-3
    assert_allclose(mean, (weights[..., np.newaxis] * states).sum(axis=1), atol=1e-6)


@pytest.mark.parametrize("build", FUNCTIONS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("shape", [(1, 1, 1), (5, 1, 1), (1, 5, 1), (2, 3, 1)])
def test_nets_take_segments_of_any_size(build, shape):
    net = build(shape, 3)
    segments = np.random.RandomState(0).normal(size=(2, *shape)).astype(np.float32)
    assert_allclose(np.asarray(net(segments)).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("build", FUNCTIONS, ids=lambda build: build.__name__)
def test_nets_end_in_a_softmax_of_full_precision(build):
    import keras

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = build((4, 10, 1), 3)
    finally:
        keras.config.set_dtype_policy(policy)
    assert net.output.dtype == "float32"
    assert net.layers[-2].output.dtype == "bfloat16"
    segments = np.random.RandomState(0).normal(size=(2, 4, 10, 1)).astype(np.float32)
    assert_allclose(np.asarray(net(segments)).sum(axis=1), 1, rtol=1e-5)


@pytest.fixture(scope="module")
def fitted(bags):
    return {named[1]: make_classifier(*named).fit(*bags) for named in NAMED}


@pytest.mark.parametrize("name", [name for _, name, _ in NAMED])
def test_every_architecture_learns(bags, fitted, name):
    assert fitted[name].score(*bags) > 0.9


@pytest.mark.slow
@for_each_name
def test_every_architecture_refits_alike(bags, fitted, Classifier, name, params):
    X, y = bags
    again = make_classifier(Classifier, name, params).fit(X, y)
    assert_array_equal(again.predict_proba(X), fitted[name].predict_proba(X))


@pytest.mark.slow
@for_each_name
def test_every_architecture_takes_a_table(Classifier, name, params):
    rng = np.random.RandomState(0)
    y = np.repeat(["blues", "rock"], 20)
    X = rng.normal(size=(40, 3)) + 4 * (y == "rock")[:, np.newaxis]
    clf = make_classifier(Classifier, name, params).fit(X, y)
    assert clf.input_shape_ == (3, 1)
    assert clf.score(X, y) > 0.9


def test_the_order_of_songs_does_not_matter(bags, fitted):
    X, _ = bags
    order = np.random.RandomState(0).permutation(len(X))
    for clf in fitted.values():
        assert_allclose(clf.predict_proba(X)[order], clf.predict_proba(X[order]), atol=1e-6)


def test_every_architecture_is_pickled(bags, fitted):
    copied = pickle.loads(pickle.dumps(fitted))
    for name, clf in fitted.items():
        assert_array_equal(copied[name].predict_proba(bags[0]), clf.predict_proba(bags[0]))


PREDICT = """
import pickle, sys, numpy as np
with open(sys.argv[1], "rb") as file:
    fitted, X = pickle.load(file)
np.savez(sys.argv[2], **{name: clf.predict_proba(X) for name, clf in fitted.items()})
"""


@pytest.mark.slow
def test_every_architecture_answers_alike_in_a_fresh_process(bags, fitted, tmp_path):
    X, _ = bags
    (tmp_path / "fitted.pickle").write_bytes(pickle.dumps((fitted, X)))
    arguments = [tmp_path / "fitted.pickle", tmp_path / "proba.npz"]
    subprocess.run([sys.executable, "-c", PREDICT, *arguments], check=True)
    with np.load(tmp_path / "proba.npz") as there:
        for name, clf in fitted.items():
            assert_array_equal(there[name], clf.predict_proba(X))
