import numpy as np
import pytest
from numpy.testing import assert_allclose

from skgenre.neural_network.architectures._layers import IndRNN


@pytest.mark.parametrize("n_frames", [1, 2, 20])
def test_indrnn_is_its_recurrence(n_frames):
    rng = np.random.RandomState(0)
    frames = rng.normal(size=(3, n_frames, 4)).astype(np.float32)
    layer = IndRNN(5, return_sequences=True)
    last_only = IndRNN(5)
    layer.build(frames.shape)
    last_only.build(frames.shape)
    kernel, recurrent_kernel, bias = weights = [
        rng.uniform(-1, 1, size=variable.shape).astype(np.float32) for variable in layer.weights
    ]
    layer.set_weights(weights)
    last_only.set_weights(weights)
    state = np.zeros((3, 5))
    states = []
    for t in range(n_frames):
        state = np.maximum(frames[:, t] @ kernel + recurrent_kernel * state + bias, 0)
        states.append(state)
    expected = np.stack(states, axis=1)
    assert_allclose(layer(frames), expected, atol=1e-5)
    assert_allclose(last_only(frames), expected[:, -1], atol=1e-5)
    assert layer.compute_output_shape(frames.shape) == (3, n_frames, 5)
    assert last_only.compute_output_shape(frames.shape) == (3, 5)


def test_recurrent_weights_start_and_stay_in_their_range():
    import keras

    frames = np.random.RandomState(0).normal(5, 1, size=(8, 10, 3)).astype(np.float32)
    net = keras.Sequential([IndRNN(200, return_sequences=True), IndRNN(200)])
    net(frames)
    inner, last = (layer.recurrent_kernel.numpy() for layer in net.layers)
    bound = 2 ** (1 / 10)
    assert 0 <= inner.min() < 0.1
    assert last.min() >= 0.5 ** (1 / 10)
    assert 1 < max(inner.max(), last.max()) <= bound
    net.compile(keras.optimizers.SGD(10.0), "mse")
    net.train_on_batch(frames, np.zeros((8, 200), dtype=np.float32))
    for layer, before in zip(net.layers, (inner, last), strict=True):
        trained = layer.recurrent_kernel.numpy()
        assert not np.allclose(trained, before)
        assert np.abs(trained).max() <= bound * (1 + 1e-6)


def test_indrnn_is_made_anew_from_its_config():
    import keras

    layer = IndRNN(5, return_sequences=True, name="second")
    again = keras.layers.deserialize(keras.layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert (again.units, again.return_sequences, again.name) == (5, True, "second")
