"""`GroupStackingClassifier(final_estimator="pool")`: a weight for each classifier."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
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


def test_who_guesses_is_trusted_less_the_more_songs_tell():
    def learn_weights(n_songs):
        rng = np.random.RandomState(0)
        y = rng.randint(3, size=n_songs)
        X = rng.normal(size=(n_songs, 3)) + np.eye(3)[y]
        guess = DummyClassifier(strategy="stratified", random_state=0)
        models = [("linear", LogisticRegression()), ("guess", guess)]
        return GroupStackingClassifier(models, "pool").fit(X, y).final_estimator_.weights_

    few, many = learn_weights(30), learn_weights(3000)
    assert few[1] > 0.1
    assert many[1] < 0.01
    assert many[0] > 0.8


def test_a_song_of_weight_two_counts_twice(table):
    X, y = table
    proba = GaussianNB().fit(X[:30], y[:30]).predict_proba(X)
    proba = proba[:, 1:] if len(proba[0]) == 2 else proba
    weight = np.arange(60) % 2 + 1
    weighted = LogarithmicPool().fit(proba, y, sample_weight=weight)
    repeated = LogarithmicPool().fit(np.repeat(proba, weight, axis=0), np.repeat(y, weight))
    assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-4)
    assert abs(weighted.weights_ - LogarithmicPool().fit(proba, y).weights_) > 1e-3


def test_only_probabilities_are_pooled(table):
    X, y = table
    with pytest.raises(ValueError, match=r"answer by \['decision_function'\]"):
        GroupStackingClassifier([("svc", SVC())], "pool").fit(X, y)
    with pytest.raises(ValueError, match="passthrough=True"):
        GroupStackingClassifier(MODELS, "pool", passthrough=True).fit(X, y)
    with pytest.raises(ValueError, match="final_estimator"):
        GroupStackingClassifier(MODELS, "pol").fit(X, y)
