import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal
from sklearn.base import clone
from sklearn.datasets import load_iris, make_moons
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.naive_bayes import GaussianNB

from skgenre import GaussianMixtureClassifier


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_equals_bayes_rule_by_hand(iris, covariance_type):
    X, y = iris[0][:120], iris[1][:120]
    clf = GaussianMixtureClassifier(2, covariance_type=covariance_type, random_state=0).fit(X, y)
    joint = []
    for genre, mixture in enumerate(clf.mixtures_):
        assert_array_equal(clone(mixture).fit(X[y == genre]).means_, mixture.means_)
        covariances = mixture.covariances_
        if covariance_type == "tied":
            covariances = [covariances] * 2
        density = sum(
            weight * multivariate_normal(mean, covariance).pdf(X)
            for weight, mean, covariance in zip(
                mixture.weights_, mixture.means_, covariances, strict=True
            )
        )
        joint.append((y == genre).mean() * density)
    expected = np.transpose(joint) / np.sum(joint, axis=0)[:, np.newaxis]
    assert_allclose(clf.predict_proba(X), expected, rtol=1e-6, atol=1e-12)
    assert_allclose(clf.class_prior_, [50 / 120, 50 / 120, 20 / 120])


@pytest.mark.parametrize("priors", [None, [0.7, 0.2, 0.1]])
def test_one_gaussian_is_what_scikit_learn_has_for_it(iris, priors):
    X, y = iris
    quadratic = QuadraticDiscriminantAnalysis(priors=priors)
    for rival, covariance_type in ((quadratic, "full"), (GaussianNB(priors=priors), "diag")):
        clf = GaussianMixtureClassifier(
            1, covariance_type=covariance_type, reg_covar=0, priors=priors
        ).fit(X, y)
        # scikit-learn's discriminant divides the scatter by n - 1, a mixture by n
        atol = 0.02 if rival is quadratic else 1e-6
        assert_allclose(clf.predict_proba(X), rival.fit(X, y).predict_proba(X), atol=atol)


def test_more_gaussians_learn_what_one_cannot():
    X, y = make_moons(400, noise=0.1, random_state=0)
    one, six = (GaussianMixtureClassifier(n, random_state=0).fit(X[:200], y[:200]) for n in (1, 6))
    assert six.score(X[200:], y[200:]) > 0.97
    assert one.score(X[200:], y[200:]) < 0.92


def test_probabilities_far_from_all_genres_are_finite(iris):
    clf = GaussianMixtureClassifier(random_state=0).fit(*iris)
    with np.errstate(all="raise", under="ignore"):
        proba = clf.predict_proba(np.full((1, 4), 1e6))
    assert_allclose(proba.sum(axis=1), 1)


def test_a_prior_of_zero_rules_a_genre_out(iris):
    X, y = iris
    clf = GaussianMixtureClassifier(priors=[0, 0.5, 0.5], random_state=0).fit(X, y)
    assert_array_equal(clf.predict_proba(X)[:, 0], 0)
    assert set(clf.predict(X)) == {1, 2}


def test_segments_of_a_song_are_judged_together(bags):
    X, y = bags
    on_rows = GaussianMixtureClassifier(2, random_state=0)
    on_rows.fit(X.reshape(120, 40), np.repeat(y, 3))
    segment_proba = on_rows.predict_proba(X.reshape(120, 40)).reshape(40, 3, 2)
    clf = GaussianMixtureClassifier(2, random_state=0).fit(X, y)
    assert_allclose(np.stack(clf.predict_segment_proba(X)), segment_proba, rtol=1e-9)
    assert_allclose(clf.predict_proba(X), segment_proba.mean(axis=1), rtol=1e-9)
    votes = (segment_proba == segment_proba.max(axis=2, keepdims=True)).mean(axis=1)
    assert_allclose(clf.set_params(aggregate="vote").predict_proba(X), votes)
    product = segment_proba.prod(axis=1) ** (1 / 3)
    product /= product.sum(axis=1, keepdims=True)
    assert_allclose(clf.set_params(aggregate="product").predict_proba(X), product, rtol=1e-6)


def test_ragged_bags_share_the_song_and_not_the_segments(bags):
    X, y = bags
    ragged = [bag if genre == "rock" else bag[:1] for bag, genre in zip(X, y, strict=True)]
    clf = GaussianMixtureClassifier(1).fit(ragged, y)
    assert_allclose(clf.class_prior_, 0.5)
    assert [len(proba) for proba in clf.predict_segment_proba(ragged)] == [1] * 20 + [3] * 20
    assert clf.predict_proba(ragged).shape == (40, 2)


def test_unreadable_songs_are_left_out_and_answered_by_the_prior(bags):
    X, y = bags[0].copy(), bags[1]
    X[:4] = np.nan
    for priors, expected in ((None, [16 / 36, 20 / 36]), ([0.1, 0.9], [0.1, 0.9])):
        clf = GaussianMixtureClassifier(priors=priors, random_state=0).fit(X, y)
        without = GaussianMixtureClassifier(priors=priors, random_state=0).fit(X[4:], y[4:])
        assert_array_equal(clf.predict_proba(X[4:]), without.predict_proba(X[4:]))
        assert_allclose(clf.predict_proba(X[:4]), np.tile(expected, (4, 1)))


def test_a_genre_of_few_segments_has_fewer_gaussians(iris):
    X, y = iris
    few = np.r_[:50, 50:57, 100]
    clf = GaussianMixtureClassifier(5, random_state=0).fit(X[few], y[few])
    assert [mixture.n_components for mixture in clf.mixtures_] == [5, 3, 1]
    assert_allclose(clf.mixtures_[2].means_, X[[100]])
    assert_allclose(clf.mixtures_[2].covariances_, 1e-6)
    repeated = GaussianMixtureClassifier(5, random_state=0).fit(X[[0] * 9 + [50] * 9], [0, 1] * 9)
    assert [mixture.n_components for mixture in repeated.mixtures_] == [1, 1]


def test_one_genre(iris):
    clf = GaussianMixtureClassifier().fit(iris[0], np.repeat("blues", 150))
    assert set(clf.predict(iris[0])) == {"blues"}
    assert_array_equal(clf.predict_proba(iris[0]), 1)


def test_what_did_not_converge_is_named_once(iris):
    X, y = iris
    with pytest.warns(ConvergenceWarning, match=r"\[1, 2\] did not .* max_iter=2") as caught:
        clf = GaussianMixtureClassifier(4, max_iter=2, random_state=0).fit(X, np.minimum(y + 1, 2))
    assert len(caught) == 1
    assert clf.n_iter_ == 2


def test_a_collapsed_covariance_is_named(iris):
    X = np.c_[iris[0], np.where(iris[1] == 1, 0, np.random.RandomState(0).normal(size=150))]
    with pytest.raises(ValueError, match=r"50 segments of 'rock'.*reg_covar"):
        GaussianMixtureClassifier(covariance_type="full", reg_covar=0).fit(
            X, np.array(["blues", "rock", "metal"])[iris[1]]
        )


def test_refits_are_identical_and_starts_are_seeded():
    X, y = make_moons(200, noise=0.2, random_state=0)
    first, again, other = (
        GaussianMixtureClassifier(8, random_state=seed).fit(X, y).predict_proba(X)
        for seed in (0, 0, 1)
    )
    assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_more_starts_are_never_less_likely():
    X, y = make_moons(200, noise=0.2, random_state=0)
    once, often = (
        GaussianMixtureClassifier(8, n_init=n_init, random_state=0).fit(X, y) for n_init in (1, 10)
    )
    for one, best in zip(once.mixtures_, often.mixtures_, strict=True):
        assert best.lower_bound_ > one.lower_bound_


def test_a_pickle_answers_the_same(iris):
    clf = GaussianMixtureClassifier(random_state=np.random.RandomState(0)).fit(*iris)
    loaded = pickle.loads(pickle.dumps(clf))
    assert_array_equal(loaded.predict_proba(iris[0]), clf.predict_proba(iris[0]))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_components": 0}, "'n_components' parameter"),
        ({"covariance_type": "round"}, "'covariance_type' parameter"),
        ({"reg_covar": -1}, "'reg_covar' parameter"),
        ({"aggregate": "median"}, "'aggregate' parameter"),
        ({"priors": [0.5, 0.5]}, "priors must be 3 numbers"),
        ({"priors": [0.5, 0.4, 0.3]}, r"sum to 1, got \[0.5, 0.4, 0.3\]"),
        ({"priors": [1.5, -0.5, 0.0]}, "from 0 to 1"),
        ({"priors": [np.nan, 0.5, 0.5]}, "priors must be"),
        ({"priors": {0: 0.5, 1: 0.3, 2: 0.2}}, r"for the genres \[0, 1, 2\] in this order"),
    ],
)
def test_bad_parameters_are_named(iris, params, message):
    with pytest.raises(ValueError, match=message):
        GaussianMixtureClassifier(**params).fit(*iris)
