import gc
import pickle
import weakref

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import KerasANNClassifier, KerasCNNClassifier, SpectrogramScaler
from skgenre.neural_network import _keras, _training
from skgenre.neural_network._augmentation import change_level, mask, mix_up
from skgenre.neural_network._batches import SegmentBatches

TINY = {"filters": (4,), "dense_units": 8}


def tiny_cnn(**params):
    defaults = {"architecture_params": TINY, "epochs": 3, "learning_rate": 1e-2, "random_state": 0}
    return KerasCNNClassifier(**{**defaults, **params})


def segments_of(n, shape=(6, 8)):
    return np.random.RandomState(0).normal(size=(n, *shape)).astype(np.float32)


def test_batches_are_even_and_hold_each_segment_once_in_an_epoch():
    segments = np.arange(33, dtype=np.float32)[:, np.newaxis, np.newaxis]
    targets, weights = np.eye(33), np.arange(33)
    batches = SegmentBatches(
        list(segments), targets, weights, batch_size=32, random_state=np.random.RandomState(0)
    )
    orders = []
    for _ in range(2):
        steps = [batches[i] for i in range(len(batches))]
        assert sorted(len(images) for images, _, _ in steps) == [16, 17]
        images = np.concatenate([images for images, _, _ in steps])
        assert images.shape == (33, 1, 1, 1)
        order = images.ravel().astype(int)
        assert_array_equal(np.concatenate([target for _, target, _ in steps]), targets[order])
        assert_array_equal(np.concatenate([weight for _, _, weight in steps]), order)
        orders.append(order)
        batches.on_epoch_end()
    assert_array_equal(np.sort(orders[0]), np.arange(33))
    assert not np.array_equal(*orders)


@pytest.mark.parametrize("axis", [1, 2])
def test_masks_hide_one_stretch_by_the_mean_of_the_band(axis):
    original = segments_of(200)
    segments = original.copy()
    mask(segments, np.random.RandomState(0), 0.5, axis=axis)
    means = np.broadcast_to(original.mean(axis=(0, 2), keepdims=True), original.shape)
    is_hidden = segments != original
    assert_array_equal(segments[is_hidden], means[is_hidden])
    along = is_hidden.any(axis=3 - axis)
    assert_array_equal(along, is_hidden.all(axis=3 - axis))
    size = original.shape[axis]
    assert set(along.sum(axis=1)) == set(range(size // 2 + 1))
    starts_and_ends = np.abs(np.diff(np.pad(along, ((0, 0), (1, 1))).astype(int), axis=1))
    assert set(starts_and_ends.sum(axis=1)) == {0, 2}
    assert along[:, 0].any()
    assert along[:, -1].any()


def test_a_level_is_one_number_for_each_segment():
    original = segments_of(500)
    segments = original.copy()
    change_level(segments, np.random.RandomState(0), 3.0)
    levels = segments - original
    assert_allclose(levels, np.broadcast_to(levels[:, :1, :1], levels.shape), atol=1e-5)
    assert_allclose(levels[:, 0, 0].std(), 3, rtol=0.1)


def test_mixup_gives_the_loss_of_both_in_their_shares():
    segments = segments_of(40)
    codes = np.arange(40) % 3
    targets, weights = np.eye(3, dtype=np.float32)[codes], np.linspace(0.5, 2, 40)
    blends, blended, of_blends = mix_up(
        segments, targets, weights, np.random.RandomState(0), alpha=0.4
    )
    rng = np.random.RandomState(0)
    others, share = rng.permutation(40), rng.beta(0.4, 0.4, 40)
    of_segment = share[:, None, None]
    expected = of_segment * segments + (1 - of_segment) * segments[others]
    assert_allclose(blends, expected, atol=1e-5)
    log_proba = np.log(np.random.RandomState(1).dirichlet(np.ones(3), 40))
    rows = np.arange(40)
    of_both = -(
        share * weights * log_proba[rows, codes]
        + (1 - share) * weights[others] * log_proba[rows, codes[others]]
    )
    assert_allclose(-of_blends * (blended * log_proba).sum(axis=1), of_both, rtol=1e-4)


@pytest.mark.parametrize("params", [{"time_mask": 0.3, "frequency_mask": 0.3}, {"mixup": 0.4}])
def test_augmented_nets_learn_and_refits_are_identical(bags, params):
    X, y = bags
    clf = tiny_cnn(epochs=12, gain=0.1, **params).fit(X, y)
    assert clf.score(X, y) > 0.9
    again = tiny_cnn(epochs=12, gain=0.1, **params).fit(X, y)
    assert_array_equal(again.predict_proba(X), clf.predict_proba(X))
    plain = tiny_cnn(epochs=12).fit(X, y)
    assert not np.array_equal(plain.predict_proba(X), clf.predict_proba(X))


def test_augmentation_leaves_the_songs_alone(bags):
    X, y = bags
    original = X.copy()
    tiny_cnn(time_mask=0.5, gain=1.0, mixup=0.2).fit(X, y)
    assert_array_equal(X, original)


def rates_of(bags, **params):
    import keras

    rates = []
    seen = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rates.append(
            float(seen.model.optimizer.learning_rate)
        )
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("copy.deepcopy", lambda callbacks: callbacks)
        tiny_cnn(callbacks=[seen], **params).fit(*bags)
    return rates


def test_cosine_schedule_ends_at_zero(bags):
    rates = rates_of(bags, learning_rate_schedule="cosine", epochs=4)
    assert len(rates) == 4 * 4
    assert np.all(np.diff(rates) < 0)
    assert rates[0] < 1e-2
    assert_allclose(rates[7], 5e-3, rtol=1e-5)
    assert_allclose(rates[-1], 0, atol=1e-9)


def test_plateau_schedule_halves_the_rate(bags):
    y = np.random.RandomState(0).permutation(bags[1])
    clf = tiny_cnn(
        learning_rate_schedule="plateau", patience=2, epochs=12, validation_fraction=0.3
    ).fit(bags[0], y)
    rates = clf.history_["learning_rate"]
    assert rates[0] == pytest.approx(1e-2)
    assert rates[-1] < rates[0]
    assert {round(np.log2(rates[0] / rate), 4) % 1 for rate in rates} == {0}


def test_warm_start_goes_on(bags):
    X, y = bags
    clf = tiny_cnn(warm_start=True).fit(X, y)
    first = clf.history_["loss"]
    clf.set_params(random_state=1).fit(X, y)
    assert clf.history_["loss"][:3] == first
    assert len(clf.history_["loss"]) == 6
    assert clf.history_["loss"][3] < first[0]
    anew = tiny_cnn(random_state=1).fit(X, y)
    assert anew.history_["loss"][0] > clf.history_["loss"][3]
    with pytest.raises(ValueError, match=r"warm_start needs the genres.*'blues', 'rock'"):
        clf.fit(X, np.where(y == "rock", "pop", y))
    with pytest.raises(ValueError, match=r"segments of shape \(4, 10\)"):
        clf.fit(X[..., :5], y)
    assert list(clf.classes_) == ["blues", "rock"]
    assert clf.score(X, y) > 0.5


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision(bags, precision):
    import keras

    X, y = bags
    clf = tiny_cnn(epochs=10, precision=precision).fit(X, y)
    assert keras.config.dtype_policy().name == "float32"
    assert clf.model_.layers[1].compute_dtype == precision
    proba = clf.predict_proba(X)
    assert proba.dtype == np.float32
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert clf.score(X, y) > 0.9
    assert clf.transform(X).dtype == np.float32
    copied = pickle.loads(pickle.dumps(clf))
    assert_array_equal(copied.predict_proba(X), proba)


def test_embeddings_are_what_the_head_gets(bags):
    X, y = bags
    clf = tiny_cnn(epochs=5).fit(X, y)
    embeddings = clf.transform(X[:, :1])
    assert embeddings.shape == (40, 8)
    assert embeddings.dtype == np.float32
    kernel, bias = clf.model_.layers[-1].get_weights()
    scores = np.exp(embeddings @ kernel + bias)
    proba = scores / scores.sum(axis=1, keepdims=True)
    assert_allclose(proba, clf.predict_proba(X[:, :1]), atol=1e-5)
    parts = [clf.transform(X[:, i : i + 1]) for i in range(3)]
    assert_allclose(clf.transform(X), np.mean(parts, axis=0), atol=1e-5)
    assert list(clf.get_feature_names_out()[:2]) == ["kerascnnclassifier0", "kerascnnclassifier1"]


def test_embeddings_of_unreadable_songs_and_frames(bags):
    X, y = bags
    clf = tiny_cnn().fit(X, y)
    broken = X[:3].copy()
    broken[1] = np.nan
    frame = clf.set_output(transform="pandas").transform(broken)
    assert list(frame.columns) == list(clf.get_feature_names_out())
    assert list(frame.isna().all(axis=1)) == [False, True, False]
    assert list(clf.transform(broken[1:2]).isna().all(axis=1)) == [True]


def test_embeddings_in_a_pipeline(bags):
    X, y = bags
    clf = make_pipeline(SpectrogramScaler(), tiny_cnn(epochs=8), LogisticRegression())
    assert clf.fit(X, y).score(X, y) > 0.9


def subclassed_net(input_shape, n_classes):
    import keras

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.flatten = keras.layers.Flatten()
            self.head = keras.layers.Dense(n_classes, activation="softmax")

        def call(self, images):
            return self.head(self.flatten(images))

    return Net()


def test_a_subclassed_net_classifies_but_does_not_embed(bags):
    X, y = bags
    clf = tiny_cnn(architecture=subclassed_net, architecture_params=None).fit(X, y)
    assert clf.predict(X).shape == (40,)
    with pytest.raises(TypeError, match="functional"):
        clf.transform(X)


def test_training_keeps_no_copy_of_the_songs(bags):
    X, y = np.repeat(bags[0], 2, axis=3), bags[1]
    gone = weakref.ref(X)
    clf = tiny_cnn().fit(X, y)
    del X
    gc.collect()
    assert gone() is None
    assert clf.history_["loss"]


def test_ten_songs_of_each_genre_are_enough_for_something_sensible():
    rng = np.random.RandomState(0)
    y = np.repeat(["blues", "jazz", "metal", "pop"], 20)
    X = rng.normal(size=(80, 13, 30)).astype(np.float32)
    for i, genre in enumerate(np.unique(y)):
        X[y == genre, 3 * i] += 1.5
    clf = KerasCNNClassifier(random_state=0).fit(X[::2], y[::2])
    assert len(set(clf.predict(X[1::2]))) == 4
    assert clf.score(X[1::2], y[1::2]) > 0.8


def test_calibration_and_unknown_genres(bags):
    X, y = bags
    calibrated = CalibratedClassifierCV(tiny_cnn(epochs=8), cv=2, ensemble=False).fit(X, y)
    assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1, rtol=1e-5)
    assert calibrated.score(X, y) > 0.9
    assert calibrated.score(X, np.full(40, "klezmer")) == 0


def test_groups_by_metadata_routing(bags):
    X, y = bags
    groups = np.tile(np.arange(10), 4)
    with config_context(enable_metadata_routing=True):
        clf = make_pipeline(
            SpectrogramScaler(),
            tiny_cnn(epochs=2, validation_fraction=0.25).set_fit_request(groups=True),
        )
        scores = cross_validate(
            clf,
            X,
            y,
            cv=StratifiedGroupKFold(2),
            params={"groups": groups},
            return_estimator=True,
            error_score="raise",
        )
    for fitted in scores["estimator"]:
        assert fitted[-1].history_["val_loss"]


def test_every_hyper_parameter_can_be_searched(bags):
    X, y = bags
    search = GridSearchCV(
        tiny_cnn(epochs=1),
        [{"architecture_params": [{"filters": (2, 2), "dense_units": 4}]}, {"time_mask": [0.2]}],
        cv=2,
        error_score="raise",
        refit=False,
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 2


def test_two_classes_and_integer_labels():
    X, y = load_iris(return_X_y=True)
    X, y = X[y > 0], y[y > 0]
    clf = make_pipeline(
        StandardScaler(),
        KerasANNClassifier((16,), epochs=15, learning_rate=1e-2, random_state=0),
    ).fit(X, y)
    assert clf.predict_proba(X).shape == (100, 2)
    assert set(clf.predict(X)) == {1, 2}
    assert clf.score(X, y) > 0.85


def test_several_nets_on_one_gpu_warn(bags, monkeypatch):
    monkeypatch.setattr(_training, "has_gpu", lambda: True)
    tiny_cnn(epochs=1).fit(*bags)
    with pytest.warns(UserWarning, match="n_jobs=1"):
        joblib.Parallel(2, backend="threading")(
            joblib.delayed(tiny_cnn(epochs=1).fit)(*bags) for _ in range(2)
        )


def test_precisions_are_those_of_the_classifiers():
    allowed = KerasCNNClassifier._parameter_constraints["precision"][0].options
    assert allowed == set(_keras.POLICIES)
