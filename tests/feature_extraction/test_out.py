"""Features of a corpus that does not fit in memory, and on workers elsewhere."""

import distributed
import joblib
import numpy as np
import pytest
import zarr
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SegmentSummarizer,
)

SHORT = {"duration": 1.5, "n_segments": 3}
SHAPE = (24, 3, 13, 22)


@pytest.fixture(scope="module")
def expected(song_files):
    return MFCCSegmenter(**SHORT).fit_transform(song_files[0])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_into_a_memory_map(song_files, expected, tmp_path, dtype):
    path = tmp_path / "features.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=SHAPE)
    assert (
        MFCCSegmenter(**SHORT, n_jobs=2).fit(song_files[0]).transform(song_files[0], out=out) is out
    )
    out.flush()
    assert_array_equal(np.load(path, mmap_mode="r"), expected.astype(dtype))


def test_into_zarr(song_files, expected, tmp_path):
    out = zarr.create_array(
        tmp_path / "features.zarr", shape=SHAPE, chunks=(1, *SHAPE[1:]), dtype="float32"
    )
    MFCCSegmenter(**SHORT).fit(song_files[0]).transform(song_files[0], out=out)
    assert_array_equal(zarr.open_array(tmp_path / "features.zarr", mode="r")[:], expected)


@pytest.mark.parametrize(
    "out", [np.empty((23, *SHAPE[1:])), np.empty(SHAPE, dtype=np.int16), [0.0] * 24, np.float32(0)]
)
def test_an_out_that_does_not_fit_is_named(song_files, out):
    with pytest.raises(ValueError, match=r"out must be .* shape \(24, 3, 13, 22\)"):
        MFCCSegmenter(**SHORT).fit(song_files[0]).transform(song_files[0], out=out)


def test_ragged_bags_take_no_out(song_files):
    segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=0.5)
    with pytest.raises(ValueError, match="out needs clips of one shape"):
        segmenter.fit(song_files[0]).transform(song_files[0], out=np.empty(24, dtype=object))


def test_bad_clips_are_nan_in_out_and_readable_ones_are_written(song_files, expected):
    paths = [song_files[0][0], "gone.wav", song_files[0][1]]
    out = np.zeros((3, *SHAPE[1:]), dtype=np.float16)
    with pytest.warns(UserWarning, match="1 of 3"):
        MFCCSegmenter(**SHORT, on_error="nan").fit(paths).transform(paths, out=out)
    assert np.isnan(out[1]).all()
    out[:] = 0
    with pytest.raises(AudioError, match="gone"):
        MFCCSegmenter(**SHORT).fit(paths).transform(paths, out=out)
    assert_array_equal(out[[0, 2]], expected[:2].astype(np.float16))


@pytest.mark.slow
def test_dask_cluster_gives_what_one_process_gives(song_files, expected, tmp_path):
    paths, y, _ = song_files
    mel = MelSpectrogramTransformer(duration=1.5, cache=tmp_path / "cache")
    pipeline = make_pipeline(MFCCSegmenter(**SHORT), SegmentSummarizer(), KNeighborsClassifier(3))
    search = GridSearchCV(pipeline, {"mfccsegmenter__n_mfcc": [3, 5]}, cv=2)
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", local_directory=tmp_path
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        assert_array_equal(MFCCSegmenter(**SHORT).fit_transform(paths), expected)
        on_cluster = mel.fit_transform(paths)
        scores = search.fit(paths, y).cv_results_["mean_test_score"]
    assert len(list(tmp_path.rglob("output.bin"))) == len(paths)
    assert_array_equal(mel.transform(paths), on_cluster)
    assert_allclose(search.fit(paths, y).cv_results_["mean_test_score"], scores)


def test_descriptors_into_an_array_and_a_cache(song_files, tmp_path):
    features = ("rms", "spectral_centroid")
    describe = AudioDescriptorTransformer(features=features, duration=1.5, cache=tmp_path)
    out = np.empty((24, 4))
    describe.fit(song_files[0]).transform(song_files[0], out=out)
    frame = describe.set_output(transform="pandas").transform(song_files[0])
    assert_array_equal(frame, out.astype(np.float32))


class SlowArray(np.ndarray):
    """Notes how many clips were computed, but not yet written."""

    def __setitem__(self, i, row):
        self.waiting.append(len(self.computed) - i)
        super().__setitem__(i, row)


def test_what_is_not_written_yet_does_not_pile_up(monkeypatch):
    computed = []

    def compute(self, kernel, clip):
        computed.append(clip)
        return np.zeros((3, 13, 22), dtype=np.float32)

    monkeypatch.setattr(MFCCSegmenter, "_compute", compute)
    out = np.empty((500, *SHAPE[1:]), dtype=np.float32).view(SlowArray)
    out.computed, out.waiting = computed, []
    paths = [f"{i}.wav" for i in range(500)]
    MFCCSegmenter(**SHORT, n_jobs=2).fit(paths).transform(paths, out=out)
    assert len(out.waiting) == len(computed) == 500
    assert max(out.waiting) <= 32


def test_an_out_that_cannot_be_written_is_refused_at_once(song_files):
    out = np.empty(SHAPE)
    out.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        MFCCSegmenter(**SHORT).fit(song_files[0]).transform(song_files[0], out=out)
    describe = AudioDescriptorTransformer(features=["rms"], duration=1.5)
    describe.fit(song_files[0]).set_output(transform="pandas")
    with pytest.raises(ValueError, match="set_output"):
        describe.transform(song_files[0], out=np.empty((24, 2)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_float16_cannot_hold_fails_its_clip(songs, n_jobs):
    describe = AudioDescriptorTransformer(
        sr=200_000, features=["spectral_rolloff"], statistics=["max"], duration=0.1, n_jobs=n_jobs
    )
    X = songs[0][:3].copy()
    X[1] = np.resize([1, -1], len(X[1]))
    expected = describe.fit_transform(X)
    reason = "clip 1: out has dtype float16, which cannot hold"
    with pytest.raises(AudioError, match=reason):
        describe.transform(X, out=np.empty((3, 1), np.float16))
    out = np.empty((3, 1), np.float16)
    with pytest.warns(UserWarning, match=reason):
        describe.set_params(on_error="nan").transform(X, out=out)
    assert_array_equal(out[[0, 2]], expected[[0, 2]].astype(np.float16))
    assert np.isnan(out[1]).all()
