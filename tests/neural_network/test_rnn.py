import inspect

import numpy as np
import pytest

from skgenre import KerasCNNClassifier, KerasRNNClassifier


def test_parameters_are_those_of_the_convolutional_classifier():
    convolutional = inspect.signature(KerasCNNClassifier).parameters
    recurrent = inspect.signature(KerasRNNClassifier).parameters
    assert list(recurrent) == list(convolutional)
    differing = [name for name in recurrent if recurrent[name] != convolutional[name]]
    assert differing == ["architecture"]


def test_an_unknown_architecture_is_named(bags):
    with pytest.raises(ValueError, match=r"'architecture' parameter.*'blstm-attention'"):
        KerasRNNClassifier(architecture="mfcc").fit(*bags)


@pytest.mark.parametrize("architecture", ["lstm", "indrnn", "blstm-attention"])
def test_the_order_of_frames_counts(architecture):
    """Rising and falling tones differ in nothing but the order of their frames."""
    rng = np.random.RandomState(0)
    rising = np.eye(8)[:, np.repeat(np.arange(8), 2)]
    y = np.repeat(["falling", "rising"], 30)
    X = np.where((y == "rising")[:, np.newaxis, np.newaxis], rising, rising[:, ::-1])
    X = X + rng.normal(0, 0.1, size=X.shape)
    clf = KerasRNNClassifier(
        architecture=architecture,
        architecture_params={"units": (16,), "dense_units": 16},
        epochs=20,
        learning_rate=1e-2,
        random_state=0,
    ).fit(X[::2], y[::2])
    assert clf.score(X[1::2], y[1::2]) > 0.9
