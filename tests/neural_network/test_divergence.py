"""Trainings that explode or are stopped: an error, and the net is the one before or none."""

import threading

import keras
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError

from skgenre import (
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    Wav2VecClassifier,
)
from skgenre.neural_network import _training

pytestmark = pytest.mark.filterwarnings("ignore:(overflow|invalid value) encou:RuntimeWarning")


def ann(**params):
    return KerasANNClassifier((8,), **{"random_state": 0, "epochs": 3, **params})


def cnn(**params):
    net = {"architecture_params": {"filters": (4,), "dense_units": 8}, "random_state": 0}
    return KerasCNNClassifier(**{**net, "epochs": 3, **params})


@pytest.mark.parametrize(
    ("params", "scale", "message"),
    [
        ({}, 1, r"loss of epoch 1 of 3 .* learning_rate \(now 1e\+30\)"),
        ({"early_stopping": True}, 1, "lower the learning_rate"),
        ({"validation_fraction": 0.2, "warm_start": True}, 1, "lower the learning_rate"),
        ({"learning_rate_schedule": "cosine", "mixup": 0.2}, 1, "lower the learning_rate"),
        # after a single step, by a finite loss
        ({"epochs": 1, "batch_size": 200}, 1, "What the trained net answers for training songs"),
        ({"epochs": 1, "batch_size": 200, "learning_rate": 1e39}, 1, "A weight of .* after the"),
        ({"learning_rate": 1e-3}, 1e37, r"scale X, which reaches [\d.]+e\+37, as SpectrogramSc"),
        (
            {"learning_rate": 1e-3, "precision": "float16"},
            1e6,
            r"set precision='float32' \(now 'float16'\)",
        ),
    ],
)
def test_a_net_whose_numbers_are_not_finite_is_refused(bags, params, scale, message):
    X, y = bags
    clf = ann(**{"learning_rate": 1e30, **params})
    with pytest.raises(FloatingPointError, match=message):
        clf.fit(X * np.float32(scale), y)
    with pytest.raises(NotFittedError):
        clf.predict(X)


@pytest.mark.slow
@pytest.mark.parametrize("Classifier", [KerasCNNClassifier, KerasRNNClassifier])
def test_every_kind_of_net_is_refused(bags, Classifier):
    with pytest.raises(FloatingPointError, match="lower the learning_rate"):
        Classifier(learning_rate=1e30, epochs=3, random_state=0).fit(*bags)


def test_held_out_songs_that_are_too_large_are_refused(bags):
    X, y = bags
    clf = ann(learning_rate=1e-3, validation_fraction=0.5)
    _, held_out = clf._split(np.repeat([0, 1], 20), None, seed_of(clf))
    loud = X.copy()
    loud[held_out] *= 1e37
    with pytest.raises(FloatingPointError, match="val_loss of epoch 1 of 3"):
        clf.fit(loud, y)


def seed_of(clf):
    return np.random.RandomState(clf.random_state).randint(np.iinfo(np.int32).max)


def stop_in_epoch(n):
    def stop(epoch, logs):
        if epoch == n:
            raise KeyboardInterrupt

    return keras.callbacks.LambdaCallback(on_epoch_end=stop)


@pytest.mark.slow
def test_a_warm_start_that_is_interrupted_leaves_the_net_as_it_was(bags):
    X, y = bags
    clf = cnn(warm_start=True).fit(X, y)
    before, history = clf.predict_proba(X), clf.history_
    momenta = [layer.momentum for layer in _training._find_batch_norms(clf.model_)]
    clf.set_params(callbacks=[stop_in_epoch(1)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X[16:24], y[16:24])
    assert_array_equal(clf.predict_proba(X), before)
    assert clf.history_ is history
    assert [layer.momentum for layer in _training._find_batch_norms(clf.model_)] == momenta
    never_interrupted = cnn(warm_start=True).fit(X, y).fit(X, y)
    clf.set_params(callbacks=None).fit(X, y)
    assert_array_equal(clf.predict_proba(X), never_interrupted.predict_proba(X))


def test_a_warm_start_that_explodes_leaves_the_net_as_it_was(bags):
    X, y = bags
    clf = ann(warm_start=True).fit(X, y)
    before = clf.predict_proba(X)
    with pytest.raises(FloatingPointError, match="lower the learning_rate"):
        clf.set_params(learning_rate=1e30).fit(X, y)
    assert_array_equal(clf.predict_proba(X), before)


def test_a_new_net_that_is_interrupted_leaves_the_old_one(bags):
    X, y = bags
    clf = cnn().fit(X, y)
    before = clf.predict_proba(X)
    clf.set_params(callbacks=[stop_in_epoch(1)])
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X[..., :5], np.where(y == "rock", "a", "b"))
    assert clf.classes_.tolist() == ["blues", "rock"]
    assert_array_equal(clf.predict_proba(X), before)


def test_the_progress_bar_of_an_interrupted_training_stops(bags):
    n_threads = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        ann(verbose=1, callbacks=[stop_in_epoch(0)]).fit(*bags)
    assert threading.active_count() == n_threads


@pytest.mark.parametrize("aggregate", ["mean", "product", "vote"])
def test_a_song_of_too_large_numbers_has_no_genre(bags, aggregate):
    X, y = bags
    clf = ann(aggregate=aggregate).fit(X, y)
    loud = X.copy()
    loud[0], loud[3, 0], loud[5] = np.nan, 3e38, 3e38
    for ask in (clf.predict, clf.predict_proba, clf.predict_segment_proba, clf.transform):
        with pytest.raises(ValueError, match=r"KerasANNClassifier .* 2 of 40 songs.* X\[3\]"):
            ask(loud)


def test_songs_that_could_not_be_read_are_left_out(bags):
    X, y = bags[0].copy(), bags[1]
    X[7] = np.nan
    assert np.isfinite(ann().fit(X, y).predict_proba(X)).all()


@pytest.mark.parametrize(
    ("sample_weight", "class_weight"),
    [(1e300, None), (1e300, "balanced"), (1, {"blues": 1e300})],
)
def test_weights_that_a_net_cannot_compute_with(bags, sample_weight, class_weight):
    with pytest.raises(ValueError, match=r"nets .* take sums up to 1e\+30"):
        ann(class_weight=class_weight).fit(*bags, sample_weight=np.full(40, sample_weight))


WAVEFORMS = np.random.RandomState(0).normal(scale=0.1, size=(8, 2000)).astype(np.float32)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, r"The loss after 1 steps is not finite; lower the learning_rate \(now 1e\+30\)"),
        ({"precision": "bfloat16"}, r"or set precision='float32' \(now 'bfloat16'\)"),
        # after a single step, by a finite loss
        ({"epochs": 1, "batch_size": 64}, "The loss of the trained net is not finite"),
        ({"epochs": 1, "batch_size": 64, "freeze_base": True}, "The loss of the trained net"),
        ({"batch_size": 64, "validation_fraction": 0.25}, "The val_loss of epoch 1 is not finite"),
    ],
)
def test_a_fine_tuned_net_whose_numbers_are_not_finite_is_refused(checkpoints, params, message):
    settings = {"segment_duration": 0.05, "learning_rate": 1e30, "warmup_fraction": 0.0}
    clf = Wav2VecClassifier(
        checkpoint=checkpoints / "as-it-is",
        **{**settings, "precision": "float32", "epochs": 3, "random_state": 0, **params},
    )
    with pytest.raises(FloatingPointError, match=message):
        clf.fit(WAVEFORMS, ["a", "b"] * 4)
    with pytest.raises(NotFittedError):
        clf.predict(WAVEFORMS)
