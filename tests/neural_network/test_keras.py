import pickle
import random
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_classifier
from sklearn.model_selection import StratifiedKFold, check_cv

from skgenre import KerasANNClassifier, KerasCNNClassifier, KerasRNNClassifier

TINY = {"filters": (4,), "dense_units": 8}


def tiny_cnn(**params):
    defaults = {"architecture_params": TINY, "epochs": 3, "learning_rate": 1e-2, "random_state": 0}
    return KerasCNNClassifier(**{**defaults, **params})


@pytest.fixture(scope="module")
def fitted(bags):
    return tiny_cnn(epochs=10).fit(*bags)


def test_learns_and_keeps_its_history(bags, fitted):
    X, y = bags
    assert fitted.score(X, y) > 0.9
    assert set(fitted.history_) == {"loss", "accuracy", "seconds"}
    assert {len(values) for values in fitted.history_.values()} == {10}
    assert fitted.history_["loss"][-1] < fitted.history_["loss"][0]
    assert fitted.predict_proba(X).dtype == np.float32


def test_songs_are_judged_by_the_mean_of_their_segments(bags, fitted):
    X, _ = bags
    segments = fitted.predict_segment_proba(X)
    assert [part.shape for part in segments] == [(3, 2)] * 40
    assert_allclose(fitted.predict_proba(X), [part.mean(axis=0) for part in segments], rtol=1e-4)


def test_the_order_of_songs_does_not_matter(bags, fitted):
    X, _ = bags
    order = np.random.RandomState(0).permutation(40)
    assert_allclose(fitted.predict_proba(X)[order], fitted.predict_proba(X[order]), atol=1e-6)
    one_by_one = np.concatenate([fitted.predict_proba(song[np.newaxis]) for song in X])
    assert_allclose(fitted.predict_proba(X), one_by_one, atol=1e-6)


def test_refits_are_identical_and_leave_global_generators_alone(bags):
    X, y = bags
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.uniform()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    first = tiny_cnn().fit(X, y)
    assert (random.random(), np.random.uniform()) == expected  # noqa: NPY002
    assert_array_equal(first.predict_proba(X), tiny_cnn().fit(X, y).predict_proba(X))
    other = tiny_cnn(random_state=1).fit(X, y).predict_proba(X)
    assert not np.array_equal(first.predict_proba(X), other)


def test_cross_validation_stratifies():
    cv = check_cv(5, np.repeat(["blues", "rock"], 20), classifier=True)
    assert isinstance(cv, StratifiedKFold)
    for clf in (KerasANNClassifier(), KerasCNNClassifier(), KerasRNNClassifier()):
        assert is_classifier(clf)


@pytest.mark.parametrize(
    ("n_segments", "seed"),
    [
        (11, 0),
        *[pytest.param(n, 0, marks=pytest.mark.slow) for n in (12, 13)],
        *[pytest.param(n, 1, marks=pytest.mark.slow) for n in (11, 12, 13)],
    ],
)
def test_batch_normalisation_on_little_data(n_segments, seed):
    """The accuracy on the training songs is that of the last epoch, also after few steps.

    33 segments are one more than a batch, which would leave a last step of a single segment.
    """
    rng = np.random.RandomState(seed)
    y = np.repeat(["a", "b", "c"], n_segments)
    X = rng.normal(5, 2, size=(len(y), 1, 13, 20)).astype(np.float32)
    X[y == "b", :, 3] += 2
    X[y == "c", :, 7] -= 2
    clf = KerasCNNClassifier(
        epochs=12, learning_rate=1e-3, batch_size=32, dropout=0.0, random_state=seed
    ).fit(X, y)
    assert clf.history_["accuracy"][-1] > 0.9
    assert clf.score(X, y) > clf.history_["accuracy"][-1] - 0.1


def net_of_the_user(input_shape, n_classes, *, units=3):
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


@pytest.mark.parametrize("Classifier", [KerasANNClassifier, KerasCNNClassifier, KerasRNNClassifier])
def test_architecture_of_the_user(bags, Classifier):
    clf = Classifier(architecture=net_of_the_user, architecture_params={"units": 5}, epochs=1)
    assert clf.fit(*bags).model_.layers[1].units == 5
    assert clf.transform(bags[0]).shape == (40, 5)


def net_with_too_many_outputs(input_shape, n_classes):
    return net_of_the_user(input_shape, n_classes + 1)


def no_net(input_shape, n_classes):
    return "a net"


def net_without_softmax(input_shape, n_classes):
    import keras

    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(n_classes)])


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"architecture": net_without_softmax}, ValueError, "as from a softmax"),
        ({"callbacks": ["checkpoint"]}, TypeError, "callbacks must be"),
        ({"architecture": "lstm"}, ValueError, "'architecture' parameter"),
        ({"architecture": no_net}, TypeError, "must return a keras.Model"),
        ({"architecture": net_with_too_many_outputs}, ValueError, "expected 2 probabilities"),
        ({"architecture_params": {"filtres": 3}}, TypeError, "filtres"),
        ({"epochs": 0}, ValueError, "'epochs' parameter"),
        ({"aggregate": "max"}, ValueError, "'aggregate' parameter"),
    ],
)
def test_bad_parameters_are_named(bags, params, error, message):
    with pytest.raises(error, match=message):
        KerasCNNClassifier(**params).fit(*bags)


def test_other_shapes_are_refused(bags, fitted):
    with pytest.raises(
        ValueError, match=r"\(4, 9\), but KerasCNNClassifier is expecting \(4, 10\)"
    ):
        fitted.predict(bags[0][..., :9])


def test_validation_holds_out_whole_songs_of_every_genre(bags):
    X, y = bags
    clf = tiny_cnn(validation_fraction=0.25).fit(X, y)
    assert set(clf.history_) == {"loss", "accuracy", "val_loss", "val_accuracy", "seconds"}
    train, held_out = clf._split(np.repeat([0, 1], 20), None, seed=0)
    assert len(held_out) == 10
    assert np.repeat([0, 1], 20)[held_out].sum() == 5
    assert not set(train) & set(held_out)
    groups = np.tile(np.arange(10), 4)
    train, held_out = clf._split(np.repeat([0, 1], 20), groups, seed=0)
    assert not set(groups[train]) & set(groups[held_out])
    assert clf.fit(X, y, groups=groups).history_["val_loss"]
    with pytest.raises(ValueError, match="validation_fraction"):
        clf.fit(X[15:21], y[15:21])


def test_validation_by_group_leaves_no_genre_untrained(bags):
    clf = tiny_cnn(validation_fraction=0.25)
    codes = np.repeat([0, 1, 2], [8, 8, 8])
    groups = np.r_[np.tile([0, 1, 2, 3], 4), np.full(8, 9)]
    for seed in range(6):
        train, held_out = clf._split(codes, groups, seed)
        assert set(codes[train]) == {0, 1, 2}
        assert len(held_out)
        assert not set(groups[train]) & set(groups[held_out])
    with pytest.raises(ValueError, match="no other group has"):
        clf._split(codes, codes, 0)


@pytest.mark.parametrize(("fraction", "expected"), [(0.1, 4), (0.25, 10), (0.4, 16), (0.8, 32)])
def test_validation_by_group_holds_out_that_fraction(fraction, expected):
    clf = tiny_cnn(validation_fraction=fraction)
    codes, groups = np.repeat([0, 1], 20), np.repeat(np.arange(20), 2)
    _, held_out = clf._split(codes, groups, 0)
    assert abs(len(held_out) - expected) <= 2


def test_default_early_stopping_with_few_groups(bags):
    clf = tiny_cnn(early_stopping=True).fit(*bags, groups=np.tile(np.arange(4), 10))
    assert clf.history_["val_loss"]


def test_songs_of_no_weight_are_left_out(bags):
    X, y = bags
    weighted = tiny_cnn().fit(X, y, sample_weight=np.arange(40) % 4 > 0)
    without = tiny_cnn().fit(X[np.arange(40) % 4 > 0], y[np.arange(40) % 4 > 0])
    assert_array_equal(weighted.predict_proba(X), without.predict_proba(X))


def net_with_layers_of_its_own(input_shape, n_classes):
    import keras

    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Lambda(lambda segments: segments[:, :2]),
            keras.layers.Flatten(),
            keras.layers.Dense(n_classes, activation="softmax"),
        ]
    )


def test_a_net_of_the_user_is_pickled_whatever_its_layers(bags):
    X, _ = bags
    clf = KerasCNNClassifier(architecture=net_with_layers_of_its_own, epochs=1).fit(*bags)
    copied = pickle.loads(pickle.dumps(clf))
    assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize(
    ("fitted_with", "set_later"), [("mfcc", net_of_the_user), (net_of_the_user, "mfcc")]
)
def test_a_pickle_is_of_the_net_that_was_fitted(bags, fitted_with, set_later):
    X, _ = bags
    clf = KerasCNNClassifier(architecture=fitted_with, epochs=1, random_state=0).fit(*bags)
    expected = clf.predict_proba(X)
    clf.set_params(architecture=set_later, architecture_params={"units": 7})
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(X), expected)


def test_fits_in_threads_do_not_disturb_each_other(bags):
    X, y = bags
    expected = tiny_cnn().fit(X, y).predict_proba(X)
    in_threads = joblib.Parallel(2, backend="threading")(
        joblib.delayed(tiny_cnn().fit)(X, y) for _ in range(2)
    )
    for clf in in_threads:
        assert_array_equal(clf.predict_proba(X), expected)


def test_early_stopping_takes_the_best_weights(bags):
    X, _ = bags
    y = np.random.RandomState(0).permutation(bags[1])
    clf = tiny_cnn(epochs=40, early_stopping=True, patience=3, validation_fraction=0.3).fit(X, y)
    losses = clf.history_["val_loss"]
    assert len(losses) < 40
    assert np.argmin(losses) == len(losses) - 4
    _, held_out = clf._split(np.searchsorted(clf.classes_, y), None, _seed_of(clf))
    proba = np.concatenate(clf.predict_segment_proba(X[held_out]))
    codes = np.repeat(np.searchsorted(clf.classes_, y[held_out]), 3)
    best = -np.log(proba[np.arange(len(codes)), codes]).mean()
    assert_allclose(best, min(losses), rtol=1e-3)


def _seed_of(clf):
    return np.random.RandomState(clf.random_state).randint(np.iinfo(np.int32).max)


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({"metal": 5}, r"class_weight names \['metal'\], but the genres are \['blues', 'rock'\]"),
        ({"rock": -1}, "class_weight must be finite and not negative, got {'rock': -1}"),
        ({"rock": np.nan, "blues": 1}, "not negative, got {'rock': nan}"),
        ({"rock": 0, "blues": 0.0}, "gives all songs the weight 0"),
    ],
)
def test_class_weights_that_make_no_sense(bags, class_weight, message):
    with pytest.raises(ValueError, match=message):
        tiny_cnn(class_weight=class_weight).fit(*bags)


@pytest.mark.parametrize(
    ("params", "asked"),
    [
        ({"early_stopping": True}, "early_stopping=True"),
        ({"early_stopping": True, "validation_fraction": 0.2}, r"validation_fraction=0\.2"),
    ],
)
def test_a_genre_of_one_song_cannot_be_held_out(bags, params, asked):
    X, y = bags
    message = rf"^{asked} holds out some of the 21 songs .*one song only.*: \['blues'\]$"
    with pytest.raises(ValueError, match=message):
        tiny_cnn(**params).fit(X[19:], y[19:])


def test_class_weight(bags):
    X, y = bags
    rare = np.r_[0:20, 20:24]
    noise = np.random.RandomState(0).normal(size=X.shape).astype(np.float32)
    plain = tiny_cnn(epochs=5).fit(noise[rare], y[rare])
    balanced = tiny_cnn(epochs=5, class_weight="balanced").fit(noise[rare], y[rare])
    assert (
        balanced.predict_proba(noise)[:, 1].mean() > plain.predict_proba(noise)[:, 1].mean() + 0.1
    )
    as_dict = tiny_cnn(epochs=5, class_weight={"blues": 24 / 40, "rock": 24 / 8})
    as_dict.fit(noise[rare], y[rare])
    assert_allclose(as_dict.predict_proba(X), balanced.predict_proba(X), atol=1e-5)


def test_ragged_bags_and_unreadable_songs(bags, fitted):
    X, y = bags
    songs = np.empty(40, dtype=object)
    for i in range(40):
        songs[i] = X[i][: 1 + i % 3]
    songs[5] = np.full((1, 4, 10), np.nan)
    clf = tiny_cnn().fit(songs, y)
    assert [len(part) for part in clf.predict_segment_proba(songs)[:4]] == [1, 2, 3, 1]
    assert_allclose(clf.predict_proba(songs)[5], [19 / 39, 20 / 39], rtol=1e-5)


def test_one_class_is_refused(bags):
    with pytest.raises(ValueError, match="only one class: 'blues'"):
        tiny_cnn().fit(bags[0][:20], bags[1][:20])


def test_callbacks_of_the_user_stay_unused_copies(bags):
    import keras

    epochs = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: epochs.append(epoch))
    clf = tiny_cnn(callbacks=[callback]).fit(*bags)
    assert epochs == [0, 1, 2]
    clone(clf)
    clone(clf).fit(*bags)
    assert clf.callbacks[0] is callback


def test_progress_bar_only_if_verbose(bags, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DeprecationWarning)
        tiny_cnn().fit(*bags)
    assert capfd.readouterr() == ("", "")
    tiny_cnn(verbose=1).fit(*bags)
    shown = capfd.readouterr().err
    assert "3/3" in shown
    assert "loss" in shown


def test_silent_in_a_fresh_process():
    code = (
        "import numpy as np; from skgenre import KerasANNClassifier;"
        "X = np.random.RandomState(0).normal(size=(100, 3));"
        "KerasANNClassifier(epochs=1).fit(X, X[:, 0] > 0).predict(X)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
