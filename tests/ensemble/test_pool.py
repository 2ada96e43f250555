"""`GroupStackingClassifier(final_estimator="pool")`: a weight for each classifier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from skgenre import GroupStackingClassifier
from skgenre.ensemble._pool import LogarithmicPool

MODELS = [("linear", LogisticRegression()), ("bayes", GaussianNB())]


@pytest.fixture(params=[2, 3], ids="{} genres".format)
def table(request):
    rng = np.random.RandomState(0)
    y = np.array(["blues", "jazz", "rock"])[np.arange(60) % request.param]
    X = rng.normal(size=(60, 4)) + np.eye(4)[np.arange(60) % request.param]
    return X, y


def test_it_pools_by_its_weights(table):
    X, y = table
    stack = GroupStackingClassifier(MODELS, "pool", cv=3).fit(X, y)
    logs = [np.log(model.predict_proba(X) + 1e-3) for model in stack.estimators_]

    def pool(logs, weights):
        product = np.exp(sum(w * log for w, log in zip(weights, logs, strict=True)))
        return product / product.sum(axis=1, keepdims=True)

    weights = stack.final_estimator_.weights_
    assert_allclose(stack.predict_proba(X), pool(logs, weights), rtol=1e-6)
    assert_array_equal(stack.predict(X), stack.classes_[stack.predict_proba(X).argmax(axis=1)])


def learn_weights(models, n_songs):
    rng = np.random.RandomState(0)
    y = rng.randint(3, size=n_songs)
    X = rng.normal(size=(n_songs, 3)) + np.eye(3)[y]
    return GroupStackingClassifier(models, "pool").fit(X, y).final_estimator_.weights_


def test_who_guesses_is_not_trusted():
    guess = DummyClassifier(strategy="stratified", random_state=0)
    for n_songs in (30, 3000):
        by_ear, guessed = learn_weights([("ear", LogisticRegression()), ("guess", guess)], n_songs)
        assert guessed < 0.01 < 0.5 < by_ear


def test_others_than_the_best_are_trusted_the_more_songs_tell():
    def hear(column):
        only = FunctionTransformer(_take, kw_args={"column": column})
        return make_pipeline(only, LogisticRegression())

    models = [(f"hears_{column}", hear(column)) for column in range(3)]
    few, many = learn_weights(models, 30), learn_weights(models, 3000)
    assert sorted(few)[1] < 0.2 < 0.7 < few.max()
    assert many.min() > 0.7


def _take(X, column):
    return X[:, [column]]


def test_a_genre_of_one_artist_costs_nobody_trust():
    rng = np.random.RandomState(0)
    artists = np.repeat(np.arange(13), 10)
    y = np.where(artists == 12, "solo", np.array(["blues", "jazz", "rock"])[artists % 3])
    _, codes = np.unique(y, return_inverse=True)
    X = rng.normal(scale=0.3, size=(130, 4)) + np.eye(4)[codes]
    stack = GroupStackingClassifier(MODELS, "pool").fit(X, y, groups=artists)
    assert stack.final_estimator_.weights_.sum() > 0.9
    assert stack.score(X[y == "solo"], y[y == "solo"]) > 0.8


def test_with_nothing_to_learn_from_all_are_trusted_alike():
    proba = np.array([[0.9, 0.1, 0.8, 0.2], [0.2, 0.8, 0.1, 0.9]] * 3)
    three = np.insert(proba, [2, 4], 0, axis=1)
    pool = LogarithmicPool().fit(three, list("ababac"), is_met=np.zeros(6, dtype=bool))
    assert_allclose(pool.weights_, [0.5, 0.5])


def test_it_gives_probabilities_to_who_has_none_and_changes_no_answer(table):
    X, y = table
    stack = GroupStackingClassifier([("svc", SVC())], "pool").fit(X, y)
    assert_array_equal(stack.predict(X), SVC().fit(X, y).predict(X))
    proba = stack.predict_proba(X)
    assert_allclose(proba.sum(axis=1), 1)
    confidence = proba.max(axis=1)
    is_right = stack.predict(X) == y
    assert confidence[is_right].mean() > confidence[~is_right].mean()


def test_decisions_of_a_fold_that_lacks_a_genre():
    rng = np.random.RandomState(0)
    artists = np.repeat(np.arange(9), 6)
    y = np.array(["blues", "jazz", "solo"])[[0, 1, 0, 1, 0, 1, 0, 1, 2]][artists]
    X = rng.normal(scale=0.3, size=(54, 3)) + np.eye(3)[np.unique(y, return_inverse=True)[1]]
    models = [("svc", SVC()), ("linear", LogisticRegression())]
    stack = GroupStackingClassifier(models, "pool").fit(X, y, groups=artists)
    assert stack.score(X, y) > 0.9


def test_a_song_of_weight_two_counts_twice(table):
    X, y = table
    proba = GaussianNB().fit(X[:30], y[:30]).predict_proba(X)
    proba = proba[:, 1:] if len(proba[0]) == 2 else proba
    weight = np.arange(60) % 2 + 1
    weighted = LogarithmicPool().fit(proba, y, sample_weight=weight)
    repeated = LogarithmicPool().fit(np.repeat(proba, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-4)
    assert abs(weighted.weights_ - LogarithmicPool().fit(proba, y).weights_) > 1e-3


def test_what_cannot_be_pooled(table):
    X, y = table
    with pytest.raises(ValueError, match="got one with predict only"):
        GroupStackingClassifier(MODELS, "pool", stack_method="predict").fit(X, y)
    with pytest.raises(ValueError, match="passthrough=True"):
        GroupStackingClassifier(MODELS, "pool", passthrough=True).fit(X, y)
    with pytest.raises(ValueError, match="final_estimator"):
        GroupStackingClassifier(MODELS, "pol").fit(X, y)
