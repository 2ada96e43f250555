import os

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    cross_val_score,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skgenre import (
    GTZANFilteredSplit,
    KerasANNClassifier,
    LeakageError,
    MFCCSegmenter,
    SegmentSummarizer,
    compare_classifiers,
    summarize,
)

SONGS = [f"{genre}.{i:05}" for genre in ("blues", "classical", "rock") for i in range(100)]
SCORES = ["accuracy", "macro_f1", "log_loss", "calibration_error", "top3_accuracy"]


class Noting(ClassifierMixin, BaseEstimator):
    """Notes how often it was fitted, in a file, and with which groups and seed."""

    def __init__(self, file=None, random_state=None):
        self.file, self.random_state = file, random_state

    def fit(self, X, y, groups=None):
        with open(self.file, "a") as file:
            n_groups = None if groups is None else len(groups)
            file.write(f"{len(X)} {n_groups} {self.random_state}\n")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Failing(LogisticRegression):
    def fit(self, X, y):
        raise ArithmeticError("it cannot be done")


@pytest.fixture(scope="module")
def table():
    """Sixty songs of four genres and twenty artists; column 0 tells the genre, more or less."""
    rng = np.random.RandomState(0)
    artists = np.repeat(np.arange(20), 3)
    codes = artists % 4
    X = rng.normal(size=(60, 5))
    X[:, 0] += 2 * codes
    return X, np.array(["blues", "disco", "jazz", "rock"])[codes], artists


@pytest.fixture(scope="module")
def nearest():
    """The nearest neighbour knows a song by its sound, and an artist by the next song."""
    mfcc = MFCCSegmenter(duration=3.0, n_segments=1, n_mfcc=20)
    return make_pipeline(mfcc, SegmentSummarizer(), StandardScaler(), KNeighborsClassifier(1))


def test_scores_are_those_of_scikit_learn(table):
    X, y, artists = table
    clf = LogisticRegression()
    folds = {"mine": KFold(3, shuffle=True, random_state=0)}
    results = compare_classifiers({"linear": clf}, X, y, protocols=folds, groups=artists)
    expected = cross_val_score(clf, X, y, cv=folds["mine"])
    assert_allclose(results["accuracy"], expected)
    assert_allclose(
        results["log_loss"], -cross_val_score(clf, X, y, cv=folds["mine"], scoring="neg_log_loss")
    )
    assert_allclose(
        results["top3_accuracy"],
        cross_val_score(clf, X, y, cv=folds["mine"], scoring=top_three),
    )
    assert results["n_test"].tolist() == [20, 20, 20]
    assert list(results["leakage"]) == ["artist"] * 3
    answers = pd.concat([*results["answers"]])
    assert sorted(answers.index) == list(range(60))
    assert (answers["genre"] == y[answers.index]).all()
    assert (answers["group"] == artists[answers.index]).all()
    assert results.attrs["environment"]["versions"]["scikit-learn"]


def top_three(clf, X, y):
    best = np.argsort(clf.predict_proba(X), axis=1)[:, -3:]
    return np.mean([genre in clf.classes_[of_song] for genre, of_song in zip(y, best, strict=True)])


def test_ties_are_no_hits():
    X, y = np.zeros((80, 1)), np.tile([f"genre {i}" for i in range(8)], 10)
    uniform = {"uniform": DummyClassifier(strategy="prior")}
    results = compare_classifiers(uniform, X, y, protocols=["stratified"])
    assert_allclose(results["top3_accuracy"], 3 / 8)


@pytest.mark.parametrize("genres", [[False, True], [0, 1]])
def test_labels_of_other_kinds(table, genres):
    X, y, _ = table
    y = np.array(genres)[np.isin(y, ["jazz", "rock"]).astype(int)]
    results = compare_classifiers(
        {"linear": LogisticRegression()}, X, y, protocols={"three": 3}, groups=np.arange(60)
    )
    assert results["error"].isna().all()
    assert_allclose(results["accuracy"], cross_val_score(LogisticRegression(), X, y, cv=3))
    assert results["log_loss"].notna().all()


def test_genres_named_as_columns_are_refused(table):
    X, y, _ = table
    with pytest.raises(ValueError, match=r"cannot be named \['group'\]"):
        compare_classifiers({"a": DummyClassifier()}, X, np.where(y == "rock", "group", y))


def test_frames_with_paths(songs_by_artist, tmp_path):
    import soundfile as sf

    X, _, _ = songs_by_artist
    [(train, test)] = GTZANFilteredSplit().split(SONGS)
    songs = [SONGS[i] for i in [*train[:8], *test[:8]]]
    paths = [str(tmp_path / f"{song}.wav") for song in songs]
    for path, waveform in zip(paths, X, strict=False):
        sf.write(path, waveform, 22050)
    y = np.tile(["blues", "rock"], 8)
    numbers = np.arange(16.0)
    frame = pd.DataFrame({"path": paths, "number": numbers})
    take = make_column_transformer(("passthrough", ["number"]))
    clf = {"nearest": make_pipeline(take, KNeighborsClassifier(1))}
    settings = {"protocols": ["filtered"], "groups": np.arange(16), "results": tmp_path / "kept"}
    first = compare_classifiers(clf, frame, y, **settings)["answers"][0]
    other = compare_classifiers(clf, frame.assign(number=-numbers), y, **settings)["answers"][0]
    assert len(list((tmp_path / "kept").glob("*.jsonl"))) == 2
    assert list(first.index) == list(other.index) == list(range(8, 16))


def test_calibration_error():
    from skgenre.model_selection._scores import calibration_error

    proba = np.array([[0.9, 0.1], [0.9, 0.1], [0.3, 0.7], [0.3, 0.7]])
    # in the bin of 0.9 half are right, in that of 0.7 all
    assert calibration_error(proba, np.array([0, 1, 1, 1])) == pytest.approx((0.4 + 0.3) / 2)
    assert calibration_error(np.eye(2), np.array([0, 1])) == 0


def test_protocols_and_what_leaks_in_each(songs_by_artist, nearest):
    X, y, artists = songs_by_artist
    results = compare_classifiers(
        {"nearest": nearest},
        X,
        y,
        protocols=["leaky-segments", "report", "artist"],
        groups=artists,
        seeds=(0, 1),
    )
    by_protocol = results.groupby("protocol", sort=False)
    leakage = by_protocol["leakage"].agg(set)
    assert leakage["leaky-segments"] == {"segments"}
    assert leakage["report"] <= {"artist", "replica"}
    assert leakage["artist"] == {"clean"}
    assert by_protocol["is_valid"].all().to_dict() == {
        "leaky-segments": False,
        "report": True,
        "artist": True,
    }
    accuracy = by_protocol["accuracy"].mean()
    assert accuracy["leaky-segments"] > accuracy["report"] > accuracy["artist"] + 0.05


@pytest.fixture(scope="module")
def songs_by_artist():
    from skgenre.datasets import make_genre_clips

    return make_genre_clips(
        80, n_genres=4, duration=3.0, n_artists_per_genre=5, random_state=1, return_groups=True
    )


def test_segments_of_files_and_of_waveforms_are_the_same(songs_by_artist, nearest, tmp_path):
    import soundfile as sf

    X, y, artists = songs_by_artist
    X, y, artists = X[:12], y[:12], artists[:12]
    paths = [tmp_path / f"{i}.wav" for i in range(12)]
    for path, waveform in zip(paths, X, strict=True):
        sf.write(path, waveform, 22050, subtype="FLOAT")
    settings = {"protocols": "leaky-segments", "groups": artists}
    of_waveforms = compare_classifiers({"nearest": nearest}, X, y, **settings)
    of_files = compare_classifiers({"nearest": nearest}, paths, y, **settings)
    assert of_files["n_train"][0] == 96
    answers = of_files["answers"][0]
    assert len(answers) == of_files["n_test"][0] == 24
    assert np.mean(answers["genre"] == answers["predicted"]) == of_files["accuracy"][0]
    most_probable = answers.iloc[:, 3:].idxmax(axis=1)
    assert (most_probable == answers["predicted"]).all()
    pd.testing.assert_frame_equal(of_files["answers"][0], of_waveforms["answers"][0])


def test_features_cannot_be_cut():
    X, y = np.zeros((40, 60)), np.repeat(["a", "b"], 20)
    with pytest.raises(ValueError, match=r"waveforms of at least 1 s, got .* \(60,\)"):
        compare_classifiers({"a": DummyClassifier()}, X, y, protocols=["leaky-segments"])


def test_what_cannot_be_read_is_left_to_the_classifier(songs_by_artist, tmp_path):
    import soundfile as sf

    X, y, _ = songs_by_artist
    paths = [tmp_path / f"{i}.wav" for i in range(12)]
    for path, waveform in zip(paths, X, strict=False):
        sf.write(path, waveform, 22050)
    for broken in paths[:2]:
        broken.write_bytes(b"broken")
    dummy = {"dummy": DummyClassifier()}
    settings = {"protocols": ["leaky-segments"], "groups": np.arange(12)}
    results = compare_classifiers(dummy, paths, y[:12], **settings)
    assert results["n_train"][0] + results["n_test"][0] == 102
    features = np.random.RandomState(0).normal(size=(20, 5))
    features[[0, 19]] = np.nan
    table = compare_classifiers(
        dummy, features, np.tile(["a", "b"], 10), protocols=["artist"], groups=np.arange(20)
    )
    assert set(table["leakage"]) == {"clean"}


def test_protocols_that_promise_to_be_clean_are(songs_by_artist, tmp_path):
    import soundfile as sf

    X, _, _ = songs_by_artist
    [(train, test)] = GTZANFilteredSplit().split(SONGS)
    songs = [SONGS[i] for i in [*train[:8], *test[:8]]]
    paths = [str(tmp_path / f"{song}.wav") for song in songs]
    for path, waveform in zip(paths, [*X[:15], X[0]], strict=True):
        sf.write(path, waveform, 22050)
    y, alone = np.tile(["blues", "rock"], 8), np.arange(16)
    dummy = {"dummy": DummyClassifier()}
    with pytest.raises(LeakageError, match="filtered: fold 0 has the same recording") as caught:
        compare_classifiers(dummy, paths, y, protocols=["filtered"], groups=alone)
    assert f"{paths[0]} (train) and {paths[15]} (test)" in str(caught.value)
    with pytest.raises(LeakageError, match=r"artist: fold \d has the same recording"):
        compare_classifiers(dummy, paths, y, protocols=["artist"], groups=alone)
    assert len(compare_classifiers(dummy, paths[:15], y[:15], protocols=["filtered"])) == 1


def test_a_stopped_comparison_goes_on(table, tmp_path):
    X, y, artists = table
    noting = Noting(file=str(tmp_path / "log"))
    settings = {"protocols": ["report", "artist"], "groups": artists, "results": tmp_path / "kept"}
    whole = compare_classifiers({"noting": noting}, X, y, **settings)
    n_fits = len((tmp_path / "log").read_text().splitlines())
    assert n_fits == len(whole) == 6
    rows = sorted((tmp_path / "kept").glob("*.jsonl"))
    assert len(rows) == 6
    for row in rows[:2]:
        row.unlink()
    again = compare_classifiers({"noting": noting}, X, y, **settings)
    assert len((tmp_path / "log").read_text().splitlines()) == n_fits + 2
    pd.testing.assert_frame_equal(
        again.drop(columns=["answers", "fit_seconds", "predict_seconds"]),
        whole.drop(columns=["answers", "fit_seconds", "predict_seconds"]),
    )
    assert (tmp_path / "kept" / "environment.json").exists()

    compare_classifiers({"renamed": noting}, X, y, **settings)
    assert len((tmp_path / "log").read_text().splitlines()) == n_fits + 2
    compare_classifiers({"noting": noting}, X + 1, y, **settings)
    assert len((tmp_path / "log").read_text().splitlines()) == n_fits + 8


def test_groups_and_seeds_reach_the_classifier(table, tmp_path):
    X, y, artists = table
    file = str(tmp_path / "log")
    pipeline = make_pipeline(StandardScaler(), Noting(file=file))
    compare_classifiers(
        {"noting": pipeline}, X, y, protocols=["report"], groups=artists, seeds=[3, 4]
    )
    assert (tmp_path / "log").read_text().splitlines() == ["48 48 3", "48 48 4"]
    compare_classifiers({"noting": Noting(file=file)}, X, y, protocols=["report"], seeds=[5])
    assert (tmp_path / "log").read_text().splitlines()[2:] == ["48 None 5"]


def test_seeds_reach_splitters(table):
    X, y, artists = table
    folds = {"mine": KFold(3, shuffle=True, random_state=7)}
    results = compare_classifiers(
        {"a": DummyClassifier()}, X, y, protocols=folds, groups=artists, seeds=range(2)
    )
    first, second = (tuple(answers.index) for answers in results["answers"].iloc[[0, 3]])
    assert first != second
    assert folds["mine"].random_state == 7


def test_groups_reach_the_inner_folds_of_a_search(table):
    X, y, artists = table
    for cv in (GroupKFold(2), 2):
        search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=cv)
        results = compare_classifiers(
            {"alone": search, "last": make_pipeline(StandardScaler(), search)},
            X,
            y,
            protocols=["report"],
            groups=artists,
        )
        assert results["error"].isna().all()


def test_what_cannot_be_told_from_others_is_not_kept(table, tmp_path):
    X, y, _ = table
    unknown = {"mine": make_pipeline(FunctionTransformer(lambda X: X), LogisticRegression())}
    assert compare_classifiers(unknown, X, y, protocols=["report"])["error"].isna().all()
    with pytest.raises(ValueError, match="'mine' cannot be pickled"):
        compare_classifiers(unknown, X, y, protocols=["report"], results=tmp_path)


def test_a_failure_is_a_row(table):
    X, y, artists = table
    results = compare_classifiers(
        {"failing": Failing(), "linear": LogisticRegression()},
        X,
        y,
        protocols=["report"],
        groups=artists,
    )
    assert results["error"][0] == "ArithmeticError: it cannot be done"
    assert pd.isna(results["error"][1])
    assert results["accuracy"].isna().tolist() == [True, False]


def test_unseen_genres_are_flagged_and_cost_but_do_not_break(table):
    X, y, _ = table
    groups = np.where(y == "rock", 99, np.arange(60) % 3)
    folds = {"groups": LeaveOneGroupOut()}
    results = compare_classifiers(
        {"linear": LogisticRegression(), "ridge": RidgeClassifier()},
        X,
        y,
        protocols=folds,
        groups=groups,
    )
    assert results["has_unseen_genre"].sum() == 2
    unseen = results[results["has_unseen_genre"] & (results["estimator"] == "linear")].iloc[0]
    assert (unseen["answers"]["rock"] == 0).all()
    assert unseen["accuracy"] == 0
    assert 10 < unseen["log_loss"] < 20
    of_ridge = results[results["estimator"] == "ridge"]
    assert of_ridge["log_loss"].isna().all()
    assert of_ridge["accuracy"].notna().all()


def test_the_first_folds_alone(table):
    X, y, artists = table
    nearest = {"nearest": KNeighborsClassifier()}
    whole = compare_classifiers(nearest, X, y, protocols="artist", groups=artists, seeds=[0, 1])
    part = compare_classifiers(
        nearest, X, y, protocols="artist", groups=artists, seeds=[0, 1], max_folds=2
    )
    assert part["fold"].tolist() == [0, 1, 0, 1]
    same = ["n_train", "n_test", "accuracy", "macro_f1"]
    first = whole[whole["fold"] < 2].reset_index(drop=True)
    pd.testing.assert_frame_equal(part[same], first[same])
    with pytest.raises(ValueError, match="max_folds"):
        compare_classifiers(nearest, X, y, max_folds=0)


def test_keras_nets_leave_their_history(table, tmp_path):
    X, y, _ = table
    net = KerasANNClassifier(hidden_layer_sizes=(4,), epochs=2, random_state=0)
    classifiers = {"net": make_pipeline(StandardScaler(), net), "nearest": KNeighborsClassifier()}
    for _ in range(2):  # computed, and from the folder
        results = compare_classifiers(
            classifiers, X, y, protocols=["report"], results=tmp_path / "kept"
        )
        of_net, of_nearest = results["history"]
        assert len(of_net["loss"]) == 2
        assert of_nearest is None


def test_processes_give_the_same(table):
    X, y, artists = table
    settings = {"protocols": ["artist"], "groups": artists}
    linear = {"linear": LogisticRegression()}
    serial = compare_classifiers(linear, X, y, **settings)
    parallel = compare_classifiers(linear, X, y, n_jobs=2, **settings)
    assert_allclose(parallel[SCORES].astype(float), serial[SCORES].astype(float))


def test_unknown_artists_are_not_called_clean(table):
    X, y, _ = table
    results = compare_classifiers({"a": DummyClassifier()}, X, y, protocols=["stratified"])
    assert set(results["leakage"]) == {"unknown"}
    assert len(results) == 10


def test_mistakes_are_named(table):
    X, y, artists = table
    with pytest.raises(ValueError, match="There is no protocol 'random'; choose from"):
        compare_classifiers({"a": DummyClassifier()}, X, y, protocols=["random"])
    with pytest.raises(ValueError, match=r"protocol 'artist': .* pass them as groups"):
        compare_classifiers({"a": DummyClassifier()}, X, y, protocols=["artist"])
    with pytest.raises(ValueError, match=r"protocol 'stratified': .*n_splits=10"):
        compare_classifiers({"a": DummyClassifier()}, X[:8], y[:8], protocols=["stratified"])
    with pytest.raises(ValueError, match="inconsistent numbers"):
        compare_classifiers({"a": DummyClassifier()}, X, y, groups=artists[:5])


def test_names_that_are_not_utf_8(table, tmp_path):
    X, y, artists = table
    odd = os.fsdecode(b"caf\xe9 ")
    odd_genres = np.char.add(odd, y)
    artists = np.char.zfill(artists.astype(str), 2)
    odd_artists = np.char.add(odd, artists)
    estimators = {"linear": LogisticRegression(), "dummy": DummyClassifier()}
    expected = compare_classifiers(estimators, X, y, groups=artists)
    given = {
        "protocols": {odd + "report": "report", odd + "artist": "artist"},
        "groups": odd_artists,
        "results": tmp_path,
    }
    odd_estimators = {odd + name: clf for name, clf in estimators.items()}
    results = compare_classifiers(odd_estimators, X, odd_genres, **given)
    again = compare_classifiers(odd_estimators, X, odd_genres, **given)
    for of_odd in (results, again):
        assert_allclose(of_odd[SCORES].to_numpy(float), expected[SCORES].to_numpy(float))
        assert set(of_odd["estimator"]) == set(odd_estimators)
        answers = of_odd["answers"][0]
        assert set(answers["genre"]) <= set(odd_genres)
        assert set(answers["group"]) <= set(odd_artists)
        assert_allclose(sum(answers[genre] for genre in np.unique(odd_genres)), 1)
    pd.testing.assert_frame_equal(again["answers"][0], results["answers"][0])
    summary = summarize(results, reference=odd + "dummy", n_resamples=99)
    usual = summarize(expected, reference="dummy", n_resamples=99)
    assert summary["estimator"].tolist() == [odd + name for name in usual["estimator"]]
    assert summary["verdict"].tolist() == usual["verdict"].tolist()
    numbers = ["accuracy", "low", "high", "difference", "difference_low", "p_value"]
    assert_allclose(summary[numbers].sort_values("low"), usual[numbers].sort_values("low"))


def test_a_leak_is_told_with_names_escaped(table):
    X, y, artists = table
    X = np.tile(X[:1], (60, 1))
    with pytest.raises(LeakageError, match=r"^two\\nlines: fold 0"):
        compare_classifiers(
            {"a": DummyClassifier()}, X, y, groups=artists, protocols={"two\nlines": "artist"}
        )
