import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from skgenre import (
    AudioDescriptorTransformer,
    GroupStackingClassifier,
    KerasANNClassifier,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
    UnifiedGenreClassifier,
)
from skgenre.ensemble._learning import learns_from_genres

NET = KerasANNClassifier((8,), epochs=10, learning_rate=1e-2, random_state=0)


class Learner(TransformerMixin, BaseEstimator):
    """Learns from genres; notes the numbers of its songs, from column 0, and their groups."""

    def fit(self, X, y, groups=None, sample_weight=None):
        self.songs_, self.groups_ = X[:, 0].astype(int), groups
        self.sample_weight_ = sample_weight
        return self

    def transform(self, X):
        return X


class Listener(StandardScaler):
    """Learns nothing of genres."""

    def fit(self, X, y=None, sample_weight=None):
        self.songs_, self.sample_weight_ = X[:, 0].astype(int), sample_weight
        return super().fit(X)


@pytest.fixture(scope="module")
def table():
    """Sixty songs of three genres and fifteen artists in no order; column 0 numbers the songs."""
    rng = np.random.RandomState(0)
    order = rng.permutation(60)
    y, groups = np.repeat(["blues", "jazz", "rock"], 20)[order], np.repeat(np.arange(15), 4)[order]
    X = rng.normal(size=(60, 5))
    X[:, 1] += 3 * (y == "jazz")
    X[:, 2] += 3 * (y == "rock")
    X[:, 0] = np.arange(60)
    return X, y, groups


def columns(*wanted):
    return FunctionTransformer(_take, kw_args={"wanted": list(wanted)})


def _take(X, wanted):
    return X[:, wanted]


TWO = [("lda", LinearDiscriminantAnalysis()), ("second", columns(2))]


def test_the_head_learns_from_songs_that_no_learning_branch_has_seen(table):
    X, y, groups = table
    branches = [("learner", Learner()), ("listener", Listener())]
    clf = UnifiedGenreClassifier(branches=branches, random_state=0).fit(X, y, groups=groups)
    seen = clf.branches_.learner.songs_
    assert sorted([*seen, *clf.head_songs_]) == list(range(60))
    assert not set(groups[seen]) & set(groups[clf.head_songs_])
    assert set(y[seen]) == set(y[clf.head_songs_]) == set(y)
    assert 0.2 < len(clf.head_songs_) / 60 < 0.5
    assert_array_equal(clf.branches_.learner.groups_, groups[seen])
    assert_array_equal(clf.branches_.listener.songs_, np.arange(60))
    assert clf.head_[-1][0].n_samples_seen_ == len(clf.head_songs_)


def test_without_learning_branches_the_head_learns_from_all(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=[("scale", StandardScaler())]).fit(X, y)
    assert_array_equal(clf.head_songs_, np.arange(60))
    assert clf.head_[-1][0].n_samples_seen_ == 60


@pytest.mark.parametrize(
    ("branch", "learns"),
    [
        (StandardScaler(), False),
        (make_pipeline(MFCCSegmenter(), SegmentSummarizer()), False),
        (make_pipeline(StandardScaler(), SelectKBest(), StandardScaler()), True),
        (make_pipeline(MFCCSegmenter(), NET), True),
        (LinearDiscriminantAnalysis(), True),
        (FunctionTransformer(), False),
        (VarianceThreshold(), False),
    ],
)
def test_who_learns_from_genres(branch, learns):
    assert learns_from_genres(branch) is learns


def test_an_overfitted_branch_is_not_trusted():
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=400)
    X = np.c_[rng.normal(size=(400, 300)), y + rng.normal(scale=0.7, size=400)]
    overfitted = make_pipeline(columns(*range(300)), LinearDiscriminantAnalysis())
    clf = UnifiedGenreClassifier(
        branches=[("noise", overfitted), ("signal", columns(300))], random_state=0
    )
    train, test = np.arange(300), np.arange(300, 400)
    clf.fit(X[train], y[train])
    alone = LogisticRegression().fit(X[train][:, [300]], y[train]).score(X[test][:, [300]], y[test])
    assert clf.branches_.noise.score(X[train], y[train]) > 0.75
    assert clf.score(X[test], y[test]) > alone - 0.05


def test_what_the_head_gets(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO, random_state=0).fit(X, y)
    side_by_side = np.c_[clf.branches_.lda.transform(X), X[:, 2]]
    assert_allclose(clf.predict_proba(X), clf.head_.predict_proba(side_by_side))
    assert_array_equal(clf.predict(X), clf.classes_[clf.predict_proba(X).argmax(axis=1)])
    assert clf.score(X, y) > 0.8
    assert list(clf.feature_names_) == [
        "lda__lineardiscriminantanalysis0",
        "lda__lineardiscriminantanalysis1",
        "second__0",
    ]


def test_scores_of_branches_and_of_all(table):
    X, y, _ = table
    branches = [("lda", make_pipeline(columns(1), LinearDiscriminantAnalysis())), TWO[1]]
    clf = UnifiedGenreClassifier(branches=branches, random_state=0).fit(X, y)
    predicted = clf.predict_branches(X)
    assert list(predicted) == ["lda", "second"]
    assert_array_equal(predicted["lda"], clf.branches_.lda.predict(X))
    scores = clf.score_branches(X, y)
    assert scores["lda"] == np.mean(predicted["lda"] == y)
    assert scores["second"] == np.mean(predicted["second"] == y) > 0.4
    assert scores["oracle"] == np.mean((predicted["lda"] == y) | (predicted["second"] == y))
    assert scores["unified"] == clf.score(X, y) > scores[["lda", "second"]].max()
    weights = np.arange(60)
    assert clf.score_branches(X, y, weights)["unified"] == clf.score(X, y, weights)
    as_series = pd.Series(y, index=np.arange(60)[::-1])
    assert_allclose(clf.score_branches(X, as_series), scores)


def test_a_grid_search_switches_the_selector_and_branches(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO, random_state=0)
    assert clf.get_params()["lda__solver"] == "svd"
    grid = {
        "selector": [None, SelectKBest(k=1)],
        "lda__n_components": [1, 2],
        "second": ["drop", columns(2)],
    }
    search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    chosen = clone(clf).set_params(selector=SelectKBest(k=1), second="drop").fit(X, y)
    assert chosen.head_[0].get_support().sum() == 1
    assert list(chosen.branches_) == ["lda"]


def test_probabilities_are_stacked_out_of_fold(table):
    X, y, groups = table
    branches = [("bayes", GaussianNB()), ("linear", LogisticRegression(max_iter=1000))]
    clf = UnifiedGenreClassifier(
        branches=branches, stack_method="predict_proba", final_estimator=GaussianNB(), cv=3
    ).fit(X, y, groups=groups)
    stack = GroupStackingClassifier(branches, GaussianNB(), cv=3).fit(X, y, groups=groups)
    assert_allclose(clf.predict_proba(X), stack.predict_proba(X))
    assert_array_equal(clf.predict(X), stack.predict(X))
    assert set(clf.predict_branches(X)["bayes"]) == set(y)
    assert clf.score_branches(X, y)["oracle"] >= clf.score_branches(X, y)["bayes"]
    selecting = clone(clf).set_params(selector=SelectKBest(k=2)).fit(X, y)
    assert selecting.head_[0].get_support().shape == (6,)
    assert list(selecting.feature_names_[2:4]) == ["bayes__rock", "linear__blues"]


def test_nets_and_tables_from_paths(song_files):
    paths, y, artists = song_files
    net = make_pipeline(MFCCSegmenter(duration=1.5, n_segments=3), SpectrogramScaler(), NET)
    descriptors = AudioDescriptorTransformer(features=["mfcc"], duration=1.5)
    clf = UnifiedGenreClassifier(
        branches=[("net", net), ("descriptors", descriptors)], random_state=0
    )
    clf.fit(pd.Series(paths), pd.Series(y), groups=artists)
    proba = clf.predict_proba(list(paths))
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert clf.score(paths, y) > 0.3
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(paths), proba)
    assert_array_equal(clone(clf).fit(paths, y, groups=artists).predict_proba(paths), proba)
    assert clf.feature_names_[0] == "net__0"
    assert "descriptors__mfcc_0_mean" in set(clf.feature_names_)


def test_the_default_takes_paths(song_files):
    paths, y, _ = song_files
    two = np.isin(y, ["blues", "disco"])
    clf = UnifiedGenreClassifier(random_state=0)
    clf.fit(paths[two][:4], y[two][:4])
    assert list(clf.branches_) == ["cnn", "descriptors"]
    assert set(clf.predict(paths[two][:2])) <= {"blues", "disco"}


def test_unreadable_songs_have_an_answer(bags):
    X, y = bags[0].copy(), bags[1]
    X[[0, 1, 30]] = np.nan
    branches = [("net", NET), ("summary", SegmentSummarizer())]
    clf = UnifiedGenreClassifier(branches=branches, random_state=0).fit(X, y)
    proba = clf.predict_proba(X)
    assert_array_equal(proba[[0, 1, 30]], np.tile(clf.class_prior_, (3, 1)))
    assert_array_equal(clf.predict(X)[[0, 30]], "blues")
    assert_array_equal(clf.predict_branches(X).iloc[0], "blues")
    assert_array_equal(clf.predict_proba(X[:2]), proba[:2])
    X[y == "rock"] = np.nan
    with pytest.raises(ValueError, match=r"No song of \['rock'\] that the head gets"):
        UnifiedGenreClassifier(branches=branches[1:]).fit(X, y)


def test_sample_weight_reaches_the_head_and_who_learns(table):
    X, y, _ = table
    weight = np.where(y == "rock", 1e-6, 1.0)
    branches = [("bayes", make_pipeline(StandardScaler(), NET)), ("listener", Listener())]
    head = LogisticRegression(max_iter=1000)
    clf = UnifiedGenreClassifier(branches=branches, final_estimator=head, random_state=0)
    assert "rock" in set(clf.fit(X, y).predict(X))
    assert "rock" not in set(clf.fit(X, y, sample_weight=weight).predict(X))
    assert "rock" not in set(clf.predict_branches(X)["listener"])
    clf.set_params(branches=[("learner", Learner()), ("listener", Listener())])
    learner = clf.fit(X, y, sample_weight=weight).branches_.learner
    assert_array_equal(learner.sample_weight_, weight[learner.songs_])
    with pytest.raises(TypeError, match=r"LinearDiscriminantAnalysis\(\) does not support"):
        UnifiedGenreClassifier(branches=TWO).fit(X, y, sample_weight=weight)


def test_groups_are_routed(table):
    X, y, groups = table
    with sklearn.config_context(enable_metadata_routing=True):
        learner = Learner().set_fit_request(groups=True)
        clf = UnifiedGenreClassifier(branches=[("learner", learner)], random_state=0)
        clf.fit(X, y, groups=groups)
        assert_array_equal(clf.branches_.learner.groups_, groups[clf.branches_.learner.songs_])
        clf.set_fit_request(groups=True)
        folds = cross_validate(clf, X, y, cv=3, params={"groups": groups}, return_estimator=True)
        for fitted in folds["estimator"]:
            learner = fitted.branches_.learner
            assert_array_equal(learner.groups_, groups[learner.songs_])


def test_what_a_branch_asks_for_is_routed_whatever_it_learns_from(table):
    X, y, _ = table
    weight = np.arange(60.0)
    with sklearn.config_context(enable_metadata_routing=True):
        listener = Listener().set_fit_request(sample_weight=True)
        learner = Learner().set_fit_request(sample_weight=False)
        head = LogisticRegression(max_iter=1000).set_fit_request(sample_weight=False)
        clf = UnifiedGenreClassifier(
            branches=[("listener", listener), ("learner", learner)],
            final_estimator=head,
            random_state=0,
        )
        clf.fit(X, y, sample_weight=weight)
    assert_array_equal(clf.branches_.listener.sample_weight_, weight)


def test_waveforms_of_other_lengths_are_no_table_in_any_part(songs):
    X, y, _ = songs
    ragged = [*X[:-1], X[-1][:22050]]
    mfcc = make_pipeline(
        MFCCSegmenter(duration=1.0), SegmentSummarizer(), LinearDiscriminantAnalysis()
    )
    for seed in range(4):
        clf = UnifiedGenreClassifier(branches=[("mfcc", mfcc)], random_state=seed).fit(ragged, y)
        assert clf.predict(ragged[-1:]).shape == (1,)


def test_branches_embed_songs_once_to_be_scored(table):
    X, y, _ = table
    calls = []
    counting = FunctionTransformer(lambda X: calls.append(len(X)) or X)
    clf = UnifiedGenreClassifier(branches=[("counting", counting)]).fit(X, y)
    calls.clear()
    clf.score_branches(X, y)
    assert calls == [60]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"branches": [("svc", SVC())]}, "Branch 'svc', a SVC, has no transform"),
        (
            {"branches": [("scale", StandardScaler())], "stack_method": "predict_proba"},
            "'scale', a StandardScaler, has no predict_proba",
        ),
        ({"branches": [("oracle", StandardScaler())]}, "cannot be named"),
        ({"branches": [("scale", "drop")]}, "All branches are dropped"),
        ({"branches": [("a", StandardScaler()), ("a", StandardScaler())]}, "not unique"),
        ({"branches": TWO, "head_fraction": 1.5}, "'head_fraction' parameter"),
    ],
)
def test_bad_branches_are_named(table, params, message):
    X, y, _ = table
    with pytest.raises(ValueError, match=message):
        UnifiedGenreClassifier(**params).fit(X, y)


def test_bad_songs_are_explained(table):
    X, y, _ = table
    with pytest.raises(ValueError, match=r"head_fraction=0\.3: a genre has one song only"):
        UnifiedGenreClassifier(branches=TWO).fit(X[:3], y[:1].tolist() * 2 + ["pop"])
    with pytest.raises(ValueError, match="only one class: 'jazz'"):
        UnifiedGenreClassifier(branches=TWO).fit(X[y == "jazz"], y[y == "jazz"])
    ragged = [np.zeros(22050 * seconds) for seconds in (1, 2, 1, 2)]
    mfcc = MFCCSegmenter(duration=None, n_segments=None, segment_duration=1.0)
    with pytest.raises(ValueError, match=r"'mfcc' gives bags of different sizes"):
        UnifiedGenreClassifier(branches=[("mfcc", mfcc)]).fit(ragged, list("abab"))


def test_a_head_without_probabilities(table):
    X, y, _ = table
    clf = UnifiedGenreClassifier(branches=TWO, final_estimator=RidgeClassifier(), random_state=0)
    assert not hasattr(clf, "predict_proba")
    assert clf.fit(X, y).score(X, y) > 0.8
    assert not hasattr(clf, "predict_proba")


def test_votes_of_segments_need_probabilities(bags):
    branches = [("votes", SegmentVotingClassifier(GaussianNB()))]
    with pytest.raises(ValueError, match="has no transform"):
        UnifiedGenreClassifier(branches=branches).fit(*bags)
    clf = UnifiedGenreClassifier(branches=branches, stack_method="predict_proba").fit(*bags)
    assert clf.score(*bags) > 0.8


@pytest.mark.parametrize("stack_method", ["transform", "predict_proba"])
def test_genres_that_are_not_utf_8(table, stack_method):
    X, y, groups = table
    odd = np.char.add("caf\udce9 ", y)
    clf = UnifiedGenreClassifier(
        branches=[
            ("lda", LinearDiscriminantAnalysis()),
            ("linear", LogisticRegression(max_iter=1000)),
        ],
        stack_method=stack_method,
        random_state=0,
    )
    if stack_method == "transform":
        clf.set_params(linear=columns(2))
    expected = clone(clf).fit(X, y, groups=groups).score_branches(X, y)
    pd.testing.assert_series_equal(clf.fit(X, odd, groups=groups).score_branches(X, odd), expected)
    assert set(clf.predict_branches(X)["lda"]) == set(odd)
