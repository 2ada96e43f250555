"""What classifiers of tables and bags say is what the graph says."""

import json

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import BernoulliRBM, MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.svm import SVC, LinearSVC

from skgenre import (
    AudioDescriptorTransformer,
    FeatureWizSelector,
    GaussianMixtureClassifier,
    GroupStackingClassifier,
    MelSpectrogramTransformer,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    UnifiedGenreClassifier,
    export_model,
)

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("skl2onnx")

GENRES = ["blues", "jazz", "metal"]


def make_table(n_genres, n_songs=60, n_features=8):
    """Return features as loud as descriptors are, and genres."""
    rng = np.random.RandomState(0)
    codes = np.arange(n_songs) % n_genres
    table = rng.normal(size=(n_songs, n_features)) + rng.normal(size=(n_genres, n_features))[codes]
    table = table * rng.uniform(0.01, 300, n_features) + rng.uniform(-500, 500, n_features)
    return table.astype(np.float32), np.array(GENRES)[codes]


def make_bags(n_genres):
    rng = np.random.RandomState(1)
    codes = np.arange(30) % n_genres
    bags = rng.normal(size=(30, 4, 5, 6)).astype(np.float32)
    bags += codes[:, np.newaxis, np.newaxis, np.newaxis] / 2
    return bags, np.array(GENRES)[codes]


def on_table(clf, table):
    """Put the transformer before a fitted classifier of its tables."""
    transformer = AudioDescriptorTransformer(
        features=("mfcc",), statistics=("mean",), n_mfcc=table.shape[1]
    )
    return Pipeline([("table", transformer), ("clf", clf)])


def on_bags(clf):
    transformer = MelSpectrogramTransformer(
        n_mels=5, n_fft=512, hop_length=4410, duration=2.0, n_segments=2
    )
    return Pipeline([("bags", transformer), ("clf", clf)])


def answer(clf, folder, rows):
    """Return what the graph says of the features of songs: of segments, and of songs."""
    export_model(clf, folder / "model.onnx", include_features=False)
    session = onnxruntime.InferenceSession(folder / "model.onnx")
    names = ["segment_probabilities", "probabilities"]
    answers = [session.run(names, {"features": row}) for row in rows]
    return [segments for segments, _ in answers], np.concatenate([song for _, song in answers])


TABLE_CLASSIFIERS = {
    "linear": LogisticRegression(),
    "lda": LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "nearest": KNeighborsClassifier(),
    "nearest by distance": KNeighborsClassifier(3, weights="distance"),
    "nearest by sums": KNeighborsClassifier(p=1),
    "bayes": GaussianNB(),
    "trees": ExtraTreesClassifier(30, random_state=0),
    "forest": RandomForestClassifier(30, random_state=0),
    "boosted": GradientBoostingClassifier(n_estimators=5, random_state=0),
    "net": MLPClassifier((8,), solver="lbfgs", alpha=1, random_state=0),
    "mixture": GaussianMixtureClassifier(2, reg_covar=1e-2, random_state=0),
    "full mixture": GaussianMixtureClassifier(2, covariance_type="full", random_state=0),
    "tied mixture": GaussianMixtureClassifier(2, covariance_type="tied", random_state=0),
    "round mixture": GaussianMixtureClassifier(2, covariance_type="spherical", random_state=0),
    "columns": make_pipeline(SelectKBest(k=3), LogisticRegression()),
    "quantiles": make_pipeline(
        QuantileTransformer(n_quantiles=10),
        BernoulliRBM(6, n_iter=2, random_state=0),
        LogisticRegression(),
    ),
    "one against all": make_pipeline(OneVsRestClassifier(LogisticRegression())),
    "frames": make_pipeline(StandardScaler(), LogisticRegression()).set_output(transform="pandas"),
    "union": make_pipeline(
        FeatureUnion(
            [("a", MinMaxScaler()), ("b", StandardScaler())], transformer_weights={"a": 3}
        ),
        LogisticRegression(),
    ),
    "search": GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2),
    "voting": VotingClassifier(
        [("a", LogisticRegression()), ("b", GaussianNB()), ("c", "drop")],
        voting="soft",
        weights=[2, 1, 5],
    ),
    "stack": StackingClassifier([("a", GaussianNB()), ("b", LinearSVC())], cv=2),
    "stack of all": StackingClassifier([("a", GaussianNB())], cv=2, passthrough=True),
    "pool": GroupStackingClassifier(
        [("a", GaussianNB()), ("b", SVC())], final_estimator="pool", cv=2
    ),
    "selective": SelectiveClassifier(LogisticRegression(), target_precision=0.6, cv=2),
    "sigmoid": CalibratedClassifierCV(LogisticRegression(), cv=2),
    "sigmoid of one": CalibratedClassifierCV(GaussianNB(), cv=2, ensemble=False),
    "isotonic": CalibratedClassifierCV(SVC(), method="isotonic", cv=2),
    "calibrated segments": CalibratedClassifierCV(
        SegmentVotingClassifier(SVC()), cv=2, ensemble=False
    ),
}


@pytest.mark.parametrize("n_genres", [2, 3])
@pytest.mark.parametrize("name", TABLE_CLASSIFIERS)
def test_tables(name, n_genres, tmp_path):
    table, y = make_table(n_genres)
    scaled = StandardScaler().fit(table)
    clf = make_pipeline(scaled, TABLE_CLASSIFIERS[name]).fit(table[:40], y[:40])
    _, proba = answer(on_table(clf, table), tmp_path, table[:, np.newaxis])
    np.testing.assert_allclose(proba, clf.predict_proba(table), atol=1e-5)


def test_temperature(tmp_path):
    pytest.importorskip("sklearn", minversion="1.8")
    table, y = make_table(3)
    for inner in (LogisticRegression(), GaussianNB()):
        clf = CalibratedClassifierCV(
            make_pipeline(StandardScaler(), inner), method="temperature", cv=2
        ).fit(table, y)
        _, proba = answer(on_table(clf, table), tmp_path, table[:, np.newaxis])
        np.testing.assert_allclose(proba, clf.predict_proba(table), atol=1e-5)


@pytest.mark.parametrize("n_genres", [2, 3])
@pytest.mark.parametrize("aggregate", ["mean", "product", "vote"])
@pytest.mark.parametrize(
    "clf",
    [
        SegmentVotingClassifier(LogisticRegression()),
        SegmentVotingClassifier(ExtraTreesClassifier(10, random_state=0)),
        GaussianMixtureClassifier(2, random_state=0),
    ],
    ids=["linear", "trees", "mixture"],
)
def test_segments(clf, aggregate, n_genres, tmp_path):
    bags, y = make_bags(n_genres)
    clf = make_pipeline(SpectrogramScaler(), clf.set_params(aggregate=aggregate)).fit(bags, y)
    segments, proba = answer(on_bags(clf), tmp_path, bags)
    np.testing.assert_allclose(proba, clf.predict_proba(bags), atol=1e-5)
    expected = clf[-1].predict_segment_proba(clf[:-1].transform(bags))
    np.testing.assert_allclose(np.array(segments), np.array(expected), atol=1e-5)


@pytest.mark.parametrize("n_genres", [2, 3])
def test_unified(n_genres, clips, tmp_path):
    X, _ = clips
    y = np.array(GENRES)[np.arange(24) % n_genres]
    table = AudioDescriptorTransformer(features=("mfcc",), duration=1.5)
    scaled = make_pipeline(table, StandardScaler(), GaussianNB())
    clf = UnifiedGenreClassifier(branches=[("table", table), ("scaled", scaled)], cv=2).fit(X, y)
    rows = table.transform(X)[:, np.newaxis]
    _, proba = answer(clf, tmp_path, rows)
    np.testing.assert_allclose(proba, clf.predict_proba(X), atol=1e-5)


@pytest.mark.parametrize("n_segments", [1, 3])
def test_summaries(n_segments, tmp_path):
    bags, y = make_bags(3)
    bags[:, :, 1] = 7  # a band in which nothing varies
    statistics = ("median", "mean", "std", "var", "min", "max", "skew", "kurtosis")
    clf = make_pipeline(
        SegmentSummarizer(statistics=statistics), StandardScaler(), LogisticRegression()
    ).fit(bags, y)
    songs = bags[:, :n_segments]
    _, proba = answer(on_bags(clf), tmp_path, songs)
    np.testing.assert_allclose(proba, clf.predict_proba(songs), atol=1e-5)


def test_selected_features(tmp_path):
    table, y = make_table(3)
    selector = FeatureWizSelector()
    selector.support_ = np.arange(8) % 3 == 0
    selector.n_features_in_ = 8
    bayes = make_pipeline(StandardScaler(), GaussianNB()).fit(selector.transform(table), y)
    clf = make_pipeline(selector, bayes)
    _, proba = answer(on_table(clf, table), tmp_path, table[:, np.newaxis])
    np.testing.assert_allclose(proba, clf.predict_proba(table), atol=1e-5)


def test_genres_may_be_integers(tmp_path):
    table, y = make_table(3)
    numbers = np.unique(y, return_inverse=True)[1] * 10 - 10
    clf = make_pipeline(StandardScaler(), ExtraTreesClassifier(5, random_state=0))
    _, proba = answer(on_table(clf.fit(table, numbers), table), tmp_path, table[:, np.newaxis])
    np.testing.assert_allclose(proba, clf.predict_proba(table), atol=1e-6)
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["genres"]) == [-10, 0, 10]


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier of somebody's own."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


@pytest.mark.parametrize(
    ("clf", "message"),
    [
        (RidgeClassifier(), "no predict_proba"),
        (StackingClassifier([("a", GaussianNB())], stack_method="predict", cv=2), "GaussianNB"),
        (Odd(), "Odd cannot be written"),
        (KNeighborsClassifier(metric=lambda a, b: abs(a - b).sum()), "KNeighborsClassifier"),
        (KNeighborsClassifier(weights=lambda distances: 1 / (1 + distances)), "KNeighbors"),
    ],
)
def test_what_cannot_be_written_is_named(clf, message, tmp_path):
    table, y = make_table(3)
    with pytest.raises(ValueError, match=message):
        answer(on_table(clf.fit(table, y), table), tmp_path, [])
    assert not list(tmp_path.iterdir())
