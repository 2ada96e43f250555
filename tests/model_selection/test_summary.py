import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from skgenre import compare_classifiers, summarize
from skgenre.model_selection._summary import _holm


def make_results(is_right_by_name, groups):
    """Return results of one fold of songs of which each classifier got some right."""
    rows = []
    for name, is_right in is_right_by_name.items():
        answers = pd.DataFrame(
            {"genre": "rock", "predicted": np.where(is_right, "rock", "pop"), "group": groups}
        )
        rows.append(
            {
                "estimator": name,
                "protocol": "artist",
                "seed": 0,
                "is_valid": True,
                "leakage": "clean",
                "accuracy": np.mean(is_right),
                "error": None,
                "answers": answers,
                **dict.fromkeys(["macro_f1", "log_loss", "calibration_error"], 0.5),
                **dict.fromkeys(["top3_accuracy", "fit_seconds", "predict_seconds"], 0.5),
            }
        )
    return pd.DataFrame(rows)


def test_means_and_intervals():
    rng = np.random.RandomState(0)
    is_right = rng.uniform(size=400) < 0.6
    summary = summarize(make_results({"a": is_right}, np.arange(400)))
    row = summary.iloc[0]
    assert row["accuracy"] == is_right.mean()
    half_width = 1.96 * np.sqrt(is_right.mean() * (1 - is_right.mean()) / 400)
    assert_allclose(row["high"] - row["accuracy"], half_width, rtol=0.1)
    assert_allclose(row["accuracy"] - row["low"], half_width, rtol=0.1)


def test_songs_of_an_artist_count_as_one():
    is_right = np.repeat(np.random.RandomState(0).uniform(size=40) < 0.6, 10)
    alone = summarize(make_results({"a": is_right}, np.arange(400))).iloc[0]
    together = summarize(make_results({"a": is_right}, np.repeat(np.arange(40), 10))).iloc[0]
    assert together["high"] - together["low"] > 2.5 * (alone["high"] - alone["low"])
    assert together["n_songs"] == 400
    assert together["n_groups"] == 40


def test_differences_are_ties_until_they_are_not():
    rng = np.random.RandomState(0)
    best = rng.uniform(size=300) < 0.7
    slightly = best.copy()
    slightly[np.flatnonzero(best)[:2]] = False
    much = best & (rng.uniform(size=300) < 0.7)
    results = make_results({"much": much, "best": best, "slightly": slightly}, np.arange(300))
    summary = summarize(results).set_index("estimator")
    assert list(summary.index) == ["best", "slightly", "much"]
    assert summary["verdict"].to_dict() == {"best": "reference", "slightly": "tie", "much": "worse"}
    assert_allclose(summary["difference"]["slightly"], -2 / 300)
    assert summary["difference_high"]["much"] < 0
    from_below = summarize(results, reference="much").set_index("estimator")
    assert from_below["verdict"]["best"] == "better"
    assert from_below["difference"]["best"] == -summary["difference"]["much"]


def test_what_may_not_be_quoted_has_no_verdict():
    results = make_results({"a": np.arange(300) > 9, "b": np.arange(300) > 150}, np.arange(300))
    summary = summarize(results.assign(is_valid=False))
    assert list(summary["verdict"]) == ["invalid", "invalid"]
    assert summary["p_value"][1] < 0.05


def test_holm():
    # the example of Holm's correction for four tests
    assert_allclose(_holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    assert _holm(np.array([0.9, 0.8])).max() <= 1


def test_a_score_above_the_noise_of_labels_is_suspicious():
    is_right = np.arange(100) > 2
    results = make_results({"a": is_right, "b": np.arange(100) > 10}, np.arange(100))
    suspicious = summarize(results, max_accuracy=0.945).set_index("estimator")["is_suspicious"]
    assert suspicious.to_dict() == {"a": True, "b": False}
    assert not summarize(results)["is_suspicious"].any()


@pytest.fixture(scope="module")
def results():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(90, 4)), rng.choice(["blues", "rock"], size=90)
    X[:, 0] += y == "rock"
    estimators = {
        "linear": LogisticRegression(),
        "forest": RandomForestClassifier(5),
        "dummy": DummyClassifier(),
        "broken": LogisticRegression(C=-1),
    }
    return compare_classifiers(
        estimators, X, y, protocols=["report", "artist"], groups=np.arange(90) // 3, seeds=(0, 1, 2)
    )


def test_a_comparison_is_summarized(results):
    summary = summarize(results)
    assert summary.groupby("protocol", sort=False).size().to_dict() == {"report": 4, "artist": 4}
    assert summary["protocol"].iloc[0] == "report"
    broken = summary[summary["estimator"] == "broken"]
    assert set(broken["verdict"]) == {"failed"}
    assert broken["n_failed"].tolist() == [3, 15]
    of_artist = summary[summary["protocol"] == "artist"].set_index("estimator")
    assert of_artist["n_songs"]["linear"] == 90
    assert of_artist["spread"]["dummy"] < 0.1
    pd.testing.assert_frame_equal(summarize(results), summary)


def test_one_artist_has_no_interval():
    summary = summarize(make_results({"a": np.ones(5), "b": np.zeros(5)}, np.zeros(5)))
    assert summary[["low", "high", "difference_low"]].isna().all(axis=None)
    assert list(summary["verdict"]) == ["reference", "tie"]


def test_a_reference_that_is_missing_somewhere_is_replaced_there():
    both = make_results({"a": np.arange(20) > 4, "b": np.arange(20) > 9}, np.arange(20))
    alone = make_results({"b": np.arange(20) > 9}, np.arange(20)).assign(protocol="report")
    summary = summarize(pd.concat([both, alone]), reference="a")
    assert list(summary["verdict"][summary["protocol"] == "report"]) == ["reference"]


def test_an_unknown_reference_is_named(results):
    with pytest.raises(ValueError, match="There is no classifier 'lda'"):
        summarize(results, reference="lda")
