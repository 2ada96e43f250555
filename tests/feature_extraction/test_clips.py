"""What goes into a transformer, how clips are cut, and what happens to bad ones."""

import time
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile as sf
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    MelSpectrogramTransformer,
    MFCCSegmenter,
)
from skgenre.audio._isolation import run_isolated

SR = 22050
SHORT = {"duration": 1.5, "n_segments": 3}


@pytest.fixture(scope="module")
def expected(song_files):
    return MFCCSegmenter(**SHORT).fit_transform(list(song_files[0]))


@pytest.mark.parametrize(
    "kind",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        lambda paths: [Path(path) for path in paths],
        lambda paths: [path.encode() for path in paths],
        lambda paths: pd.Series(paths, index=np.arange(100, 100 + len(paths)), dtype=object),
    ],
)
def test_paths_come_in_any_sequence(song_files, expected, kind):
    assert_array_equal(MFCCSegmenter(**SHORT).fit_transform(kind(song_files[0])), expected)


def test_waveforms_come_as_table_frame_or_ragged_list(songs, expected):
    X = songs[0]
    for given in (X, X.astype(np.float64), list(X), pd.DataFrame(X)):
        assert_allclose(MFCCSegmenter(**SHORT).fit_transform(given), expected, atol=1e-3)
    ragged = [X[0], X[1][:20000], X[2]]
    as_objects = np.empty(3, dtype=object)
    as_objects[:] = ragged
    result = MFCCSegmenter(**SHORT).fit_transform(ragged)
    assert_array_equal(result, MFCCSegmenter(**SHORT).fit_transform(as_objects))
    assert_allclose(result[[0, 2]], expected[[0, 2]], atol=1e-3)


def test_waveforms_of_another_rate_are_resampled(songs, song_files):
    X, paths = songs[0][:3], song_files[0][:3]
    of_files = MelSpectrogramTransformer(sr=16000, duration=1.5).fit_transform(paths)
    mel = MelSpectrogramTransformer(sr=16000, orig_sr=SR, duration=1.5)
    for given in (X, list(X), [np.stack([x, x]) for x in X], [(x, SR) for x in X], paths):
        assert_allclose(mel.fit_transform(given), of_files, atol=0.1)
    assert np.abs(mel.set_params(orig_sr=None).fit_transform(X) - of_files).max() > 10


def test_only_a_table_of_waveforms_fixes_their_length(songs, song_files):
    segmenter = MFCCSegmenter(**SHORT).fit(songs[0])
    with pytest.raises(ValueError, match="features"):
        segmenter.transform(songs[0][:, :-1])
    assert not hasattr(MFCCSegmenter(**SHORT).fit(song_files[0]), "n_features_in_")
    assert not hasattr(MFCCSegmenter(**SHORT).fit([songs[0][0], songs[0][1][1:]]), "n_features_in_")


def test_confusing_input_is_explained(song_files):
    paths = song_files[0]
    for X, message in [
        (paths[0], "single path"),
        (pd.DataFrame({"path": paths}), "select the column"),
        ({"paths": paths}, "sequence of clips, got a dict"),
        (set(paths), "sequence of clips, got a set"),
        (iter(paths), "sequence of clips, got a"),
        ([], "X is empty; pass one clip at least"),
        (pd.Series([], dtype=object), "X is empty"),
        (np.empty((0, 33075)), "X is empty"),
        (np.zeros(100), r"got 100 numbers, as of a single waveform.*pass \[waveform\]"),
        ([0.1, 0.2, 0.3], "got 3 numbers, as of a single waveform"),
        ((np.zeros(9), SR), r"a tuple of samples and their rate; pass \[clip\]"),
        ({"array": np.zeros(9), "sampling_rate": SR}, r"a dict of samples .*; pass \[clip\]"),
        (None, "Expected a sequence of clips, got a NoneType"),
        (np.float32(0.5), "Expected a sequence of clips"),
        ([np.zeros(10), np.zeros(0)], "clip 1: no samples"),
        ([paths[0], np.full(5, np.inf)], "clip 1"),
        ([np.zeros(10), np.full(5, np.inf)], "clip 1"),
    ]:
        with pytest.raises(ValueError, match=message):
            MFCCSegmenter(**SHORT).fit_transform(X)


def test_long_clips_are_cropped_and_short_ones_repeated(songs):
    y = songs[0][0]
    mel = MelSpectrogramTransformer(duration=1.0)
    assert_array_equal(mel.fit_transform([y]), mel.fit_transform([y[:SR]]))
    repeated = np.concatenate([y[:8000]] * 3)[:SR]
    assert_array_equal(mel.fit_transform([y[:8000]]), mel.fit_transform([repeated]))


@pytest.mark.parametrize(
    ("seconds", "n_segments"), [(0.1, 1), (0.7, 1), (1.0, 1), (1.4, 1), (1.5, 2), (3.6, 4)]
)
def test_segments_of_given_duration(seconds, n_segments):
    y = np.random.RandomState(0).normal(size=round(seconds * SR)).astype(np.float32)
    segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=1.0)
    bags = segmenter.fit_transform([y])
    assert bags.dtype == object
    assert bags.shape == (1,)
    assert bags[0].shape == (n_segments, 13, 44)
    whole = int(seconds)
    by_hand = MFCCSegmenter(duration=1.0, n_segments=1)
    for i in range(whole):
        assert_array_equal(bags[0][i], by_hand.fit_transform([y[i * SR : (i + 1) * SR]])[0, 0])
    if n_segments > whole:
        assert_array_equal(bags[0][-1], by_hand.fit_transform([y[whole * SR :]])[0, 0])


@pytest.mark.parametrize(
    "transformer", [MelSpectrogramTransformer, MFCCSegmenter, AudioDescriptorTransformer]
)
def test_segments_of_given_duration_come_from_at_most_a_duration(songs, tmp_path, transformer):
    y = np.concatenate(songs[0][:2])
    clips = [y[: round(seconds * SR)] for seconds in (0.4, 1.2, 2.0, 2.9)]
    paths = [tmp_path / f"{i}.wav" for i in range(4)]
    for path, clip in zip(paths, clips, strict=True):
        sf.write(path, clip, SR, subtype="FLOAT")
    cut = transformer(duration=2.0, n_segments=None, segment_duration=1.0)
    bags = cut.fit_transform(clips)
    assert [len(bag) for bag in bags] == [1, 1, 2, 2]
    of_any_length = clone(cut).set_params(duration=None)
    short_of_duration = [*clips[:3], clips[3][: 2 * SR]]
    for given in (clips, paths):
        for bag, expected in zip(
            cut.transform(given), of_any_length.fit_transform(short_of_duration), strict=True
        ):
            assert_array_equal(bag, expected)


def test_a_duration_shorter_than_a_segment_is_repeated(songs):
    y = songs[0][0]
    segmenter = MFCCSegmenter(duration=0.5, n_segments=None, segment_duration=1.0)
    expected = MFCCSegmenter(duration=1.0, n_segments=1).fit_transform([y[: SR // 2]])
    assert_array_equal(segmenter.fit_transform([y])[0], expected[0])


def test_ragged_even_where_lengths_agree(songs):
    segmenter = MFCCSegmenter(duration=1.5, n_segments=None, segment_duration=0.5)
    bags = segmenter.fit_transform(songs[0][:4])
    assert bags.shape == (4,)
    assert_array_equal(np.stack(list(bags)), MFCCSegmenter(**SHORT).fit_transform(songs[0][:4]))


def test_without_any_duration_the_clip_is_its_only_segment(songs):
    y = songs[0][0]
    bags = MelSpectrogramTransformer(duration=None).fit_transform([y, y[:10000]])
    assert [bag.shape for bag in bags] == [(1, 128, 65), (1, 128, 20)]


def test_mel_takes_segments_too(songs):
    assert MelSpectrogramTransformer(duration=1.5, n_segments=3).fit_transform(
        songs[0][:2]
    ).shape == (2, 3, 128, 22)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_segments": 2, "segment_duration": 1.0}, "n_segments or segment_duration"),
        ({"duration": None}, "needs a duration"),
        ({"duration": 1e-5}, "shorter than one frame"),
        ({"center": False, "duration": 0.5}, "shorter than one frame"),
        ({"n_mfcc": 129}, "n_mfcc=129"),
        ({"win_length": 4096}, "win_length=4096"),
        ({"fmin": 20000.0}, "fmin=20000"),
        ({"pad_mode": "zeros"}, "'pad_mode' parameter"),
        ({"pad_mode": "empty"}, "'pad_mode' parameter"),
        ({"pad_mode": "wrap"}, "'pad_mode' parameter"),
        ({"norm": "foo"}, "'norm' parameter"),
        ({"sr": -1}, "'sr' parameter"),
        ({"on_error": "ignore"}, "'on_error' parameter"),
    ],
)
def test_bad_parameters_are_named_at_fit_and_at_transform(songs, params, message):
    segmenter = MFCCSegmenter(**params)
    with pytest.raises(ValueError, match=message):
        segmenter.fit(songs[0])
    with pytest.raises(ValueError, match=message):
        segmenter.transform(songs[0])


@pytest.fixture
def some_bad(song_files, tmp_path):
    text = tmp_path / "text.wav"
    text.write_text("not audio")
    return [song_files[0][0], str(tmp_path / "missing.wav"), song_files[0][1], str(text)]


def test_all_bad_files_are_reported_at_once(some_bad):
    with pytest.raises(AudioError) as caught:
        MFCCSegmenter(**SHORT).fit_transform(some_bad)
    assert list(caught.value.failures) == [some_bad[1], some_bad[3]]
    assert "2 clips could not be read" in str(caught.value)
    assert all(path in str(caught.value) for path in (some_bad[1], some_bad[3]))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_bad_files_become_nan_with_one_warning(some_bad, expected, n_jobs):
    with pytest.warns(UserWarning, match="2 of 4 clips") as caught:
        X = MFCCSegmenter(**SHORT, on_error="nan", n_jobs=n_jobs).fit_transform(some_bad)
    assert len(caught) == 1
    assert all(path in str(caught[0].message) for path in (some_bad[1], some_bad[3]))
    assert np.isnan(X[[1, 3]]).all()
    assert_array_equal(X[[0, 2]], expected[:2])


def test_bad_files_in_ragged_bags(some_bad):
    segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=0.5, on_error="nan")
    with pytest.warns(UserWarning, match="2 of 4"):
        bags = segmenter.fit_transform(some_bad)
    assert [bag.shape for bag in bags] == [(3, 13, 22), (1, 13, 22), (3, 13, 22), (1, 13, 22)]
    assert np.isnan(bags[1]).all()


def test_a_missing_path_in_a_series_is_a_bad_clip(song_files):
    paths = pd.Series([song_files[0][0], None], dtype=object)
    with pytest.raises(AudioError, match="clip 1: not a path"):
        MFCCSegmenter(**SHORT).fit_transform(paths)


def test_each_unreadable_row_counts(song_files):
    clips = [song_files[0][0], None, "gone.wav", "gone.wav", np.zeros(0), np.full(9, np.nan)]
    with pytest.warns(UserWarning, match="5 of 6 clips") as caught:
        X = MFCCSegmenter(**SHORT, on_error="nan").fit_transform(clips)
    assert np.isnan(X[1:]).all()
    for name in ("clip 1: not a path", "gone.wav: no such", "clip 4: no samples", "clip 5: NaN"):
        assert name in str(caught[0].message)


def test_a_series_of_waveforms(songs, expected):
    of_one_length = pd.Series(list(songs[0]))
    assert_allclose(MFCCSegmenter(**SHORT).fit_transform(of_one_length), expected, atol=1e-3)


def test_a_refit_on_paths_forgets_the_table(songs, song_files):
    segmenter = MFCCSegmenter(**SHORT).fit(pd.DataFrame(songs[0]).add_prefix("sample "))
    assert segmenter.n_features_in_ == songs[0].shape[1]
    segmenter.fit(song_files[0])
    assert not hasattr(segmenter, "n_features_in_")
    assert not hasattr(segmenter, "feature_names_in_")


def test_nan_waveforms(songs):
    X = songs[0][:3].copy()
    X[1, 5] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        MFCCSegmenter(**SHORT).fit_transform(X)
    with pytest.warns(UserWarning, match="clip 1: NaN samples"):
        bags = MFCCSegmenter(**SHORT, on_error="nan").fit_transform(X)
    assert np.isnan(bags).any(axis=(1, 2, 3)).tolist() == [False, True, False]


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_workers_do_not_change_the_numbers(song_files, expected, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        assert_array_equal(MFCCSegmenter(**SHORT).fit_transform(song_files[0]), expected)


def test_silent_unless_verbose(song_files, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MFCCSegmenter(**SHORT).fit_transform(song_files[0])
    assert capfd.readouterr() == ("", "")
    MFCCSegmenter(**SHORT, verbose=1).fit_transform(song_files[0])
    assert "24/24" in capfd.readouterr().err


def test_resampled_files_have_full_length(tmp_path):
    path = tmp_path / "cd.wav"
    sf.write(path, np.random.RandomState(0).uniform(-1, 1, size=44100 * 2), 44100)
    assert MelSpectrogramTransformer(duration=2.0).fit_transform([path]).shape == (1, 128, 87)


@pytest.mark.parametrize("extra", [0, 9000, 15000])
def test_long_files_are_cut_as_short_ones(songs, tmp_path, monkeypatch, extra):
    y = np.concatenate([songs[0][:4].ravel(), songs[0][4][:extra]])
    path = tmp_path / "long.wav"
    sf.write(path, y, SR, subtype="FLOAT")
    segmenter = MFCCSegmenter(duration=None, n_segments=None, segment_duration=1.0)
    whole = segmenter.fit_transform([path])[0]
    assert len(whole) == 6 + (extra == 15000)
    monkeypatch.setattr("skgenre.feature_extraction._base._SECONDS_TOGETHER", 1.7)
    for clip in (path, y):
        assert_array_equal(segmenter.transform([clip])[0], whole)


@pytest.mark.parametrize(
    "params", [SHORT, {"duration": None, "n_segments": None, "segment_duration": 0.5}]
)
def test_files_are_read_in_another_process_where_asked(some_bad, params, monkeypatch):
    expected = MFCCSegmenter(**params).fit_transform(some_bad[::2])
    segmenter = MFCCSegmenter(**params, on_error="nan", timeout=60)
    with pytest.warns(UserWarning, match="2 of 4 clips"):
        features = segmenter.fit_transform(some_bad)
    for one, other in zip(features[::2], expected, strict=True):
        assert_array_equal(one, other)

    def hang(function, name, timeout):
        return run_isolated(time.sleep, 3600, timeout=timeout)

    monkeypatch.setattr("skgenre.audio._load.run_isolated", hang)
    with pytest.warns(UserWarning, match=r"not decoded within 0\.05 s"):
        segmenter.set_params(timeout=0.05).transform(some_bad[:2])


def test_a_bad_file_is_no_noise_among_workers(song_files, tmp_path, capfd):
    path = tmp_path / "nan.wav"
    sf.write(path, np.full((3 * SR, 2), np.nan), SR, subtype="FLOAT")
    paths = [path, song_files[0][0]]
    for params in (SHORT, {"duration": None, "n_segments": None, "segment_duration": 0.5}):
        with pytest.warns(UserWarning, match="1 of 2"):
            MFCCSegmenter(**params, n_jobs=2, on_error="nan").fit_transform(paths)
    assert capfd.readouterr() == ("", "")
