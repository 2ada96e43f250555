"""What scikit-learn does with estimators works on pipelines from paths to genres."""

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    permutation_test_score,
)
from sklearn.pipeline import make_pipeline

from skgenre import (
    KerasANNClassifier,
    KerasCNNClassifier,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
)


def cnn():
    return make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3),
        SpectrogramScaler(),
        KerasCNNClassifier(
            architecture_params={"filters": (4,), "dense_units": 8},
            epochs=3,
            learning_rate=1e-2,
            random_state=0,
        ),
    )


def linear():
    return make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3),
        SegmentSummarizer(),
        LogisticRegression(max_iter=5000),
    )


@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
@pytest.mark.parametrize("make", [linear, pytest.param(cnn, marks=pytest.mark.slow)])
def test_cross_validation_on_paths(song_files, make, kind):
    paths, y, groups = song_files
    scores = cross_val_score(make(), kind(paths), y, cv=2)
    assert scores.shape == (2,)
    grouped = cross_val_score(make(), kind(paths), y, groups=groups, cv=StratifiedGroupKFold(3))
    assert np.isfinite(grouped).all()


@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_grid_search_reaches_transformer_and_net(song_files, n_jobs):
    paths, y, _ = song_files
    grid = [{"mfccsegmenter__n_mfcc": [5]}, {"kerascnnclassifier__dropout": [0.3]}]
    search = GridSearchCV(cnn(), grid, cv=2, n_jobs=n_jobs, error_score="raise").fit(paths, y)
    assert search.cv_results_["mean_test_score"].shape == (2,)
    assert set(search.predict(paths[:3])) <= set(y)


@pytest.mark.parametrize(
    "ensemble",
    [
        VotingClassifier([("cnn", cnn()), ("linear", linear())], voting="soft"),
        pytest.param(
            StackingClassifier([("cnn", cnn()), ("linear", linear())], cv=2),
            marks=pytest.mark.slow,
        ),
        pytest.param(CalibratedClassifierCV(cnn(), cv=2, ensemble=False), marks=pytest.mark.slow),
        CalibratedClassifierCV(cnn(), cv=2),
    ],
    ids=["voting", "stacking", "calibrated", "calibrated ensemble"],
)
def test_ensembles_on_paths(song_files, ensemble):
    paths, y, _ = song_files
    proba = clone(ensemble).fit(paths, y).predict_proba(paths)
    assert proba.shape == (24, 4)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("make", [linear, pytest.param(cnn, marks=pytest.mark.slow)])
def test_learning_curves(song_files, make):
    paths, y, _ = song_files
    sizes, train, test = learning_curve(
        make(), paths, y, cv=2, train_sizes=[0.7, 1.0], shuffle=True, random_state=0
    )
    assert len(sizes) == 2
    assert train.shape == test.shape == (2, 2)


def test_permutations(song_files):
    paths, y, _ = song_files
    score, permuted, p_value = permutation_test_score(linear(), paths, y, cv=2, n_permutations=5)
    assert permuted.shape == (5,)
    assert 0 < p_value <= 1
    assert 0 <= score <= 1


def test_out_of_fold_probabilities(song_files):
    paths, y, _ = song_files
    proba = cross_val_predict(cnn(), paths, y, cv=2, method="predict_proba")
    assert proba.shape == (24, 4)


def test_paths_from_a_column_of_a_table(song_files):
    paths, y, _ = song_files
    table = pd.DataFrame({"path": paths, "title": "a song"})
    clf = make_pipeline(
        ColumnTransformer(
            [
                (
                    "audio",
                    make_pipeline(MFCCSegmenter(duration=1.5, n_segments=3), SegmentSummarizer()),
                    "path",
                )
            ]
        ),
        LogisticRegression(max_iter=5000),
    )
    assert clf.fit(table, y).score(table, y) > 0.5


def test_groups_are_routed_to_the_net(song_files):
    paths, y, groups = song_files
    net = KerasANNClassifier((8,), epochs=2, validation_fraction=0.3, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        clf = make_pipeline(
            MFCCSegmenter(duration=1.5, n_segments=3),
            SpectrogramScaler(),
            net.set_fit_request(groups=True),
        )
        clf.fit(paths, y, groups=groups)
    assert len(clf[-1].history_["val_loss"]) == 2


def test_unreadable_files_pass_through_a_whole_pipeline(song_files, tmp_path):
    paths, y, _ = song_files
    broken = tmp_path / "broken.wav"
    broken.write_text("not audio")
    with_broken, labels = [*paths, str(broken)], [*y, y[0]]
    for classifier in (
        KerasANNClassifier((8,), epochs=1, random_state=0),
        SegmentVotingClassifier(LogisticRegression()),
    ):
        clf = make_pipeline(
            MFCCSegmenter(duration=1.5, n_segments=3, on_error="nan"),
            SpectrogramScaler(),
            classifier,
        )
        with pytest.warns(UserWarning, match=r"1 of 25 clips.*\n.*broken\.wav"):
            clf.fit(with_broken, labels)
        with pytest.warns(UserWarning, match="1 of 2 clips"):
            proba = clf.predict_proba([str(broken), paths[0]])
        np.testing.assert_allclose(proba[0], 0.25)
