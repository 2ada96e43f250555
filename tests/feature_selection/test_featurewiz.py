"""FeatureWizSelector gives what featurewiz gives by hand, and lets none of its habits out."""

import importlib.metadata
import io
import pickle
import random
import subprocess
import sys
import warnings
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.feature_selection import SelectKBest, SelectorMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skgenre import FeatureWizSelector
from skgenre._seeding import global_generators_kept
from skgenre.feature_selection import _featurewiz_package as package

GENRES = np.array(["blues", "metal", "rock"])


@pytest.fixture(scope="module")
def table():
    """Ninety songs of three genres: columns 0 and 4 tell, 1 repeats 0, and 2 does not vary."""
    rng = np.random.RandomState(0)
    codes = np.arange(90) % 3
    X = rng.normal(size=(90, 12))
    X[:, 0] += 2 * codes
    X[:, 4] += 3 * (codes == 1)
    X[:, 1] = X[:, 0] + rng.normal(scale=0.1, size=90)
    X[:, 2] = 0.1
    return X, GENRES[codes]


def by_hand(X, y, **options):
    """Return the columns that featurewiz keeps when it is called as its manual says."""
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(X.shape[1])])
    target = pd.Series(np.unique(y, return_inverse=True)[1], name="target", index=frame.index)
    with redirect_stdout(io.StringIO()), package._everything_given_back(), threadpool_limits(1):
        wizard = package._load().FeatureWiz(**options)
        wizard.fit_transform(frame, target)
    return [int(name[1:]) for name in wizard.features]


@pytest.mark.parametrize(
    "options",
    [
        {"corr_limit": 0.7},
        {"corr_limit": 0.2},
        {"corr_limit": 0.7, "skip_sulov": True},
        {"corr_limit": 0.7, "skip_xgboost": True},
    ],
    ids=str,
)
def test_selects_what_featurewiz_selects_by_hand(table, options):
    X, y = table
    X = np.c_[X[:, :2], np.zeros(90), X[:, 3:]]
    selector = FeatureWizSelector(**options, n_jobs=2).fit(X, y)
    assert selector.order_.tolist() == by_hand(X, y, **options)


@pytest.mark.parametrize(("n_features", "n_genres"), [(2, 2), (3, 5), (10, 2), (11, 2), (33, 3)])
def test_tables_of_every_width(n_features, n_genres):
    rng = np.random.RandomState(n_features)
    X, y = rng.normal(size=(60, n_features)), np.arange(60) % n_genres
    X[:, -1] += y
    X = np.float32(X)
    assert FeatureWizSelector().fit(X, y).order_.tolist() == by_hand(X, y, corr_limit=0.7)


def test_keeps_what_tells_genres_apart_and_repeats_nothing(table):
    selector = FeatureWizSelector().fit(*table)
    kept = set(selector.get_support(indices=True))
    assert 4 in kept
    assert len(kept & {0, 1}) == 1
    assert 2 not in kept


def test_is_a_selector_of_scikit_learn(table):
    X, y = table
    selector = FeatureWizSelector()
    assert isinstance(selector, SelectorMixin)
    selected = selector.fit_transform(X, y)
    support = selector.get_support()
    assert_array_equal(selected, X[:, support])
    original = selector.inverse_transform(selected)
    assert_array_equal(original[:, support], selected)
    assert_array_equal(original[:, ~support], 0)
    assert selector.get_feature_names_out().tolist() == [f"x{i}" for i in np.flatnonzero(support)]


@pytest.mark.parametrize(
    "names",
    [
        [f"mean of {i} (dB)" for i in range(12)],
        ["target", "tempo", "a b", "a_b", "[x]", "<y>", "", "é", "f0", "f1", "f2", "f3"],
        list(range(12)),
    ],
    ids=["special", "awkward", "numbers"],
)
def test_any_names_select_the_same_columns(table, names):
    X, y = table
    frame = pd.DataFrame(X, columns=names, index=np.arange(90)[::-1] + 7)
    genres = pd.Series(y, index=frame.index)
    selector = FeatureWizSelector().set_output(transform="pandas").fit(frame, genres)
    kept = FeatureWizSelector().fit(X, y).support_
    assert_array_equal(selector.support_, kept)
    selected = selector.transform(frame)
    assert selected.index.equals(frame.index)
    if isinstance(names[0], str):
        assert selected.columns.tolist() == frame.columns[kept].tolist()


def test_a_name_that_comes_twice_is_for_scikit_learn_to_judge(table):
    frame, y = pd.DataFrame(table[0], columns=["same"] * 12), table[1]
    try:
        SelectKBest().fit(frame, y)
    except ValueError:
        with pytest.raises(ValueError, match="unique"):
            FeatureWizSelector().fit(frame, y)
    else:
        expected = FeatureWizSelector().fit(*table).order_
        assert_array_equal(FeatureWizSelector().fit(frame, y).order_, expected)


def test_names_of_features_in_the_output(table):
    X, y = table
    frame = pd.DataFrame(X, columns=[f"feature {i}" for i in range(12)])
    selector = FeatureWizSelector().fit(frame, y)
    assert selector.get_feature_names_out().tolist() == frame.columns[selector.support_].tolist()
    with pytest.raises(ValueError, match="feature names"):
        selector.transform(frame.rename(columns={"feature 0": "other"}))


@pytest.mark.parametrize(
    "recode",
    [
        lambda y: y,
        lambda y: y.astype(object),
        lambda y: pd.Series(y, dtype="category"),
        lambda y: np.searchsorted(GENRES, y) * 10 - 7,
        lambda y: np.searchsorted(GENRES, y) + 0.0,
    ],
    ids=["strings", "objects", "categories", "far integers", "floats"],
)
def test_any_labels_select_the_same_columns(table, recode):
    X, y = table
    codes = np.searchsorted(GENRES, y)
    expected = FeatureWizSelector().fit(X, codes).order_
    assert_array_equal(FeatureWizSelector().fit(X, recode(y)).order_, expected)


def test_many_genres_are_no_regression(capsys):
    y = np.repeat(np.arange(40), 3)
    X = np.random.RandomState(0).normal(size=(120, 4))
    X[:, 1] += y
    selector = FeatureWizSelector(verbose=1).fit(X, y)
    assert selector.order_[0] == 1
    printed = capsys.readouterr().out
    assert "Multi_Classification" in printed
    assert "Regression" not in printed


def test_n_features_are_the_first_of_featurewiz(table):
    order = FeatureWizSelector().fit(*table).order_
    assert len(order) > 3
    few = FeatureWizSelector(n_features=2).fit(*table)
    assert_array_equal(few.order_, order[:2])
    assert few.transform(table[0]).shape == (90, 2)
    assert_array_equal(FeatureWizSelector(n_features=99).fit(*table).order_, order)


def test_in_pipelines_and_searches(table):
    X, y = table
    clf = make_pipeline(StandardScaler(), FeatureWizSelector(), LogisticRegression())
    assert cross_val_score(clf, X, y, cv=3).mean() > 0.7
    grid = {"featurewizselector": [FeatureWizSelector(n_features=1), "passthrough"]}
    search = GridSearchCV(clf, grid, cv=3).fit(X, y)
    one, all_features = search.cv_results_["mean_test_score"]
    assert one != all_features
    assert search.score(X, y) > 0.7


def test_searches_in_threads(table):
    clf = make_pipeline(FeatureWizSelector(), LogisticRegression())
    search = GridSearchCV(clf, {"featurewizselector__n_features": [1, 2]}, cv=2)
    alone = search.fit(*table).cv_results_["mean_test_score"]
    with parallel_config("threading", n_jobs=2):
        assert_array_equal(search.fit(*table).cv_results_["mean_test_score"], alone)


def test_pickle_and_clone(table):
    X, y = table
    selector = FeatureWizSelector(n_features=2, random_state=0).fit(X, y)
    loaded = pickle.loads(pickle.dumps(selector))
    assert_array_equal(loaded.transform(X), selector.transform(X))
    copy = clone(selector)
    assert not hasattr(copy, "support_")
    assert_array_equal(copy.fit(X, y).order_, selector.order_)


def test_a_fitted_selector_works_without_featurewiz(table, monkeypatch):
    data = pickle.dumps(FeatureWizSelector(n_features=2).fit(*table))
    monkeypatch.delattr(package, "rank_columns")
    monkeypatch.delattr(package, "check_version")
    assert pickle.loads(data).transform(table[0]).shape == (90, 2)


def test_unreadable_songs_are_left_out_and_stay_nan(table):
    X, y = table[0].copy(), table[1]
    X[:5] = np.nan
    X[5, 11] = np.nan
    selector = FeatureWizSelector()
    selected = selector.fit_transform(X, y)
    assert_array_equal(selector.order_, FeatureWizSelector().fit(X[6:], y[6:]).order_)
    assert np.isnan(selected[:6]).all()
    assert_array_equal(selected[6:], X[6:, selector.support_])
    original = selector.inverse_transform(selected)
    assert np.isnan(original[:6]).all()
    assert not np.isnan(original[6:]).any()
    with pytest.raises(ValueError, match="None of the songs could be read"):
        selector.fit(np.full_like(X, np.nan), y)
    with pytest.raises(ValueError, match="infinity"):
        selector.fit(np.where(np.isnan(X), np.inf, X), y)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_keeps_the_precision(table, dtype):
    X, y = table
    assert FeatureWizSelector().fit_transform(X.astype(dtype), y).dtype == dtype


def test_one_feature_that_varies_is_kept(table):
    X, y = table
    selector = FeatureWizSelector().fit(X[:, :1], y)
    assert selector.support_.tolist() == [True]
    selector.fit(np.c_[np.ones(90), X[:, 0], np.zeros(90)], y)
    assert selector.order_.tolist() == [1]
    with pytest.raises(ValueError, match="None of the features varies among the 90 songs"):
        selector.fit(np.ones((90, 2)), y)


def test_one_feature_that_sulov_leaves_is_kept(table):
    X, y = table
    repeated = np.c_[X[:, 5], X[:, 5] * 2 + 1e-6 * X[:, 6]]
    assert by_hand(repeated, y, corr_limit=0.7) == []
    assert FeatureWizSelector().fit(repeated, y).support_.sum() == 1


def test_one_genre_is_refused(table):
    with pytest.raises(ValueError, match="at least 2 genres, got 1 class: 'rock'"):
        FeatureWizSelector().fit(table[0], ["rock"] * 90)


def test_an_honest_selection_of_all_is_fine():
    rng = np.random.RandomState(0)
    y = np.arange(60) % 2
    X = rng.normal(size=(60, 2)) + y[:, np.newaxis]
    assert FeatureWizSelector(corr_limit=1.0).fit(X, y).support_.all()
    skip_all = FeatureWizSelector(skip_sulov=True, skip_xgboost=True)
    assert skip_all.fit(X, y).support_.all()


@pytest.mark.parametrize(("n_songs", "message"), [(2, "SelectKBest"), (3, "XGBoost is crashing")])
def test_too_few_songs_are_no_selection_of_all(n_songs, message):
    X = np.random.RandomState(0).normal(size=(n_songs, 6))
    y = np.arange(n_songs) % 2
    assert by_hand(X, y, corr_limit=0.7)
    with pytest.raises(ValueError, match=rf"failed on {n_songs} songs with 6 features.*{message}"):
        FeatureWizSelector().fit(X, y)


def test_a_training_that_crashes_is_no_selection_of_all(table, monkeypatch):
    def crash(*args, **kwargs):
        raise MemoryError("no room")

    monkeypatch.setattr(package._load().xgb, "train", crash)
    with pytest.raises(ValueError, match=r"XGBoost is crashing due to:? no room"):
        FeatureWizSelector().fit(*table)


def missing(package):
    raise importlib.metadata.PackageNotFoundError(package)


@pytest.mark.parametrize(
    ("version", "found"),
    [
        (missing, "it is not installed"),
        (lambda package: "0.4.4", "0.4.4 is installed"),
        (lambda package: "0.6.2", "0.6.2 is installed"),
    ],
)
def test_other_versions_are_refused_with_the_line_to_install(table, monkeypatch, version, found):
    monkeypatch.setattr(importlib.metadata, "version", version)
    line = (
        "pip install 'skgenre[featurewiz-modern]' && "
        "pip install --no-deps featurewiz==0.6.1 lazytransform==1.18"
    )
    with pytest.raises(ImportError, match=f"needs featurewiz 0.6.1, and {found}") as caught:
        FeatureWizSelector().fit(*table)
    assert str(caught.value).endswith(line)


def test_what_featurewiz_itself_misses_is_named(table, monkeypatch):
    monkeypatch.setattr(package, "_load", package._load.__wrapped__)
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"cannot be imported: .*networkx.*pip install"):
        FeatureWizSelector().fit(*table)


WATCHED = """
import logging, os, random, sys, warnings
import matplotlib, numpy as np, pandas as pd
from skgenre import FeatureWizSelector

def state():
    warnings.simplefilter("ignore")
    return {
        "numpy": np.random.get_state()[1].tolist(),
        "python": random.getstate(),
        "warn": warnings.warn,
        "filters": list(warnings.filters),
        "root logger": (logging.root.level, list(logging.root.handlers), logging.root.disabled),
        "disabled logging": logging.root.manager.disable,
        "pandas": [pd.get_option(o) for o in (
            "mode.chained_assignment", "compute.use_numexpr", "display.max_rows")],
        "backend": matplotlib.rcParams._get("backend"),
        "errors of numpy": np.geterr(),
        "environment": dict(os.environ),
        "output": (sys.stdout, sys.stderr),
        "hooks": (sys.excepthook, sys.displayhook),
    }

rng = np.random.RandomState(0)
X, y = rng.normal(size=(40, 4)), np.arange(40) % 2
X[:, 1] = X[:, 0] + 0.1 * X[:, 1]
before = state()
FeatureWizSelector().fit(X, y)
after = state()
changed = [name for name in before if before[name] != after[name]]
assert not changed, changed
import xgboost
assert xgboost.get_config()["verbosity"] == 1
assert "tensorflow" not in sys.modules and "featurewiz" not in sys.modules
if "matplotlib.pyplot" in sys.modules:
    import matplotlib.pyplot as plt
    assert not plt.get_fignums()
"""


def test_nothing_of_the_process_changes_and_nothing_is_printed():
    """In a new process, since featurewiz does most of it when it is imported."""
    done = subprocess.run([sys.executable, "-c", WATCHED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout + done.stderr


def test_a_failed_selection_gives_back_too(table, monkeypatch):
    module = package._load()
    numpy_state, python_state = np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    kept = warnings.warn, sys.stdout, module.xgb

    def crash(*args, **kwargs):
        np.random.seed(1)  # noqa: NPY002
        random.seed(1)
        warnings.warn = None
        raise RuntimeError("halfway")

    monkeypatch.setattr(module.FeatureWiz, "fit_transform", crash)
    with pytest.raises(RuntimeError, match="halfway"):
        FeatureWizSelector().fit(*table)
    assert (warnings.warn, sys.stdout, module.xgb) == kept
    assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert random.getstate() == python_state
    with global_generators_kept():
        pass


def test_refits_are_identical(table):
    orders = [
        FeatureWizSelector(random_state=seed, n_jobs=n_jobs).fit(*table).order_
        for seed, n_jobs in ((0, 1), (0, 1), (None, 1), (np.random.RandomState(1), 2), (0, -1))
    ]
    for order in orders[1:]:
        assert_array_equal(order, orders[0])


@pytest.mark.parametrize("n_jobs", [1, 2, 12])
def test_no_more_threads_than_asked_for(table, monkeypatch, n_jobs):
    xgboost = package._load().xgb
    train = xgboost.train
    asked = []

    def watched(params, *args, **kwargs):
        asked.append(params["nthread"])
        return train(params, *args, **kwargs)

    monkeypatch.setattr(xgboost, "train", watched)
    FeatureWizSelector(n_jobs=n_jobs).fit(*table)
    assert len(asked) == 5
    assert set(asked) == {max(1, n_jobs // 5)}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"corr_limit": 1.5}, "'corr_limit' parameter"),
        ({"n_features": 0}, "'n_features' parameter"),
        ({"n_features": 0.5}, "'n_features' parameter"),
        ({"skip_sulov": "no"}, "'skip_sulov' parameter"),
        ({"skip_xgboost": 2}, "'skip_xgboost' parameter"),
        ({"n_jobs": 0.5}, "'n_jobs' parameter"),
        ({"n_jobs": 0}, "n_jobs == 0"),
        ({"random_state": "zero"}, "'random_state' parameter"),
        ({"verbose": -1}, "'verbose' parameter"),
    ],
)
def test_bad_parameters_are_named(table, params, message):
    with pytest.raises(ValueError, match=message):
        FeatureWizSelector(**params).fit(*table)


def test_a_regression_is_refused(table):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        FeatureWizSelector().fit(table[0], table[0][:, 0])
