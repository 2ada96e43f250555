"""What Ray computes for joblib is what this machine computes."""

import joblib
import pandas as pd
import pytest
from joblib import delayed
from numpy.testing import assert_array_equal
from sklearn.model_selection import GridSearchCV

from skgenre import (
    GaussianMixtureClassifier,
    KerasANNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    compare_classifiers,
    extract_corpus,
)
from skgenre._parallel import run_parallel
from skgenre.audio import AudioError

ray = pytest.importorskip("ray")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cluster():
    from ray.util.joblib import register_ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=2,
            object_store_memory=10**8,
            include_dashboard=False,
            log_to_driver=False,
        )
        register_ray()
        yield
        ray.shutdown()


def on_ray():
    return joblib.parallel_config(backend="ray", n_jobs=2)


@pytest.mark.parametrize(
    "transformer",
    [MFCCSegmenter(duration=1.5, n_segments=3), OnnxEmbedder(duration=1.5)],
    ids=lambda transformer: type(transformer).__name__,
)
def test_features_are_the_same(song_files, transformer):
    expected = transformer.fit_transform(song_files[0])
    with on_ray():
        assert_array_equal(transformer.fit_transform(song_files[0]), expected)


def test_errors_are_the_same(song_files):
    with on_ray(), pytest.raises(AudioError, match="no such file"):
        MFCCSegmenter(duration=1.5).fit_transform([*song_files[0], "gone.wav"])


def test_comparisons_are_the_same(songs):
    X, y, groups = songs
    table = MFCCSegmenter(n_segments=1).fit_transform(X).mean(axis=(1, 3))
    net = KerasANNClassifier(epochs=1, random_state=0)

    def compare():
        found = compare_classifiers(
            {"net": net}, table, y, protocols=["artist"], groups=groups, max_folds=2
        )
        assert found["error"].isna().all()
        return found.select_dtypes("number").filter(regex="accuracy|f1")

    expected = compare()
    with on_ray():
        pd.testing.assert_frame_equal(compare(), expected)


def test_grids_are_the_same(songs):
    X, y, _ = songs
    mel = MelSpectrogramTransformer(n_mels=8).fit_transform(X).mean(axis=2)
    mixture = GaussianMixtureClassifier(random_state=0)
    grid = GridSearchCV(mixture, {"n_components": [1, 2]}, cv=2)
    expected = grid.fit(mel, y).cv_results_["mean_test_score"]
    with on_ray():
        assert_array_equal(grid.fit(mel, y).cv_results_["mean_test_score"], expected)


def test_a_corpus_is_computed_on_this_machine(song_files, tmp_path):
    mel = MelSpectrogramTransformer(duration=1.5, n_mels=16)
    with on_ray():
        corpus = extract_corpus(mel, song_files[0], tmp_path / "store", chunk=8)
    assert_array_equal(corpus.features[:], mel.fit_transform(song_files[0]))


def test_a_lost_worker_is_an_error_and_no_hang(task_that_ends_its_worker_once):
    run = task_that_ends_its_worker_once
    with on_ray():
        with pytest.raises(ray.exceptions.RayActorError, match="died"):
            list(run_parallel(map(delayed(run), range(40)), n_jobs=None))
        assert list(run_parallel(map(delayed(run), range(40)), n_jobs=None)) == list(range(40))
