"""The descriptors are librosa's, in tables and bags that the rest of the house takes."""

import pickle
import warnings

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.ndimage
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SpectrogramScaler,
)
from skgenre._statistics import STATISTICS
from skgenre.audio import load_audio
from skgenre.feature_extraction._medians import running_median

SR = 22050
N = 3 * SR // 2
RNG = np.random.RandomState(0)
SOUNDS = {
    "noise": RNG.normal(0, 0.3, size=N),
    "silence": np.zeros(N),
    "sine": np.sin(2 * np.pi * 440 / SR * np.arange(N)),
    "impulses": (np.arange(N) % 5000 == 0).astype(float),
    "half silent": np.where(np.arange(N) < N // 2, RNG.normal(0, 0.3, size=N), 0),
}
ALL_STATISTICS = tuple(STATISTICS)
ALL_FEATURES = [*AudioDescriptorTransformer().features, "tempogram"]
FEW = {"features": ("rms", "chroma_stft", "tempo"), "duration": 1.5}


@pytest.fixture(params=[*SOUNDS, "music", "other music"])
def sound(request, songs):
    waveforms = {**SOUNDS, "music": songs[0][3], "other music": songs[0][8]}
    return waveforms[request.param].astype(np.float32)


def librosa_features(y, *, n_fft=2048, hop_length=512, n_mels=128, n_mfcc=20):
    framing = {"n_fft": n_fft, "hop_length": hop_length}
    frames = {"frame_length": n_fft, "hop_length": hop_length}
    of = {"y": y, "sr": SR, **framing}
    feature = librosa.feature
    mfcc = feature.mfcc(**of, n_mels=n_mels, n_mfcc=n_mfcc)
    onset = librosa.onset.onset_strength(**of, n_mels=n_mels)
    tempogram = feature.tempogram(onset_envelope=onset, sr=SR, hop_length=hop_length)
    parts = librosa.decompose.hpss(np.abs(librosa.stft(y, **framing)))
    chroma = feature.chroma_stft(**of)
    return {
        "chroma_stft": chroma,
        "tonnetz": feature.tonnetz(chroma=chroma),
        "rms": feature.rms(y=y, **frames),
        "harmonic_rms": feature.rms(S=parts[0], frame_length=n_fft),
        "percussive_rms": feature.rms(S=parts[1], frame_length=n_fft),
        "spectral_centroid": feature.spectral_centroid(**of),
        "spectral_bandwidth": feature.spectral_bandwidth(**of),
        "spectral_contrast": feature.spectral_contrast(**of),
        "spectral_rolloff": feature.spectral_rolloff(**of),
        "spectral_flatness": feature.spectral_flatness(y=y, **framing),
        "zero_crossing_rate": feature.zero_crossing_rate(y, **frames),
        "mfcc": mfcc,
        "mfcc_delta": feature.delta(mfcc),
        "mfcc_delta2": feature.delta(mfcc, order=2),
        "onset_strength": onset[np.newaxis],
        "tempogram": tempogram,
        "tempo": feature.tempo(onset_envelope=onset, sr=SR, hop_length=hop_length),
    }


def assert_equal_to_librosa(y, statistics, **settings):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Trying to estimate tuning")
        expected = librosa_features(y, **settings)
    table = (
        AudioDescriptorTransformer(
            features=list(expected), statistics=statistics, duration=1.5, **settings
        )
        .set_output(transform="pandas")
        .fit_transform(y[np.newaxis])
    )
    seen = 0
    for name, values in expected.items():
        bands = [name] if len(values) == 1 else [f"{name}_{i}" for i in range(len(values))]
        largest = np.abs(values).max()
        if name == "tempo":
            assert_allclose(table["tempo"], values, rtol=1e-6)
            seen += 1
            continue
        for statistic in statistics:
            columns = [f"{band}_{statistic}" for band in bands]
            reference = getattr(np, statistic)(values, axis=1)
            assert_allclose(
                table[columns].to_numpy()[0],
                reference,
                rtol=1e-4,
                atol=1e-5 * largest + 2e-7,
                err_msg=f"{name} {statistic}",
            )
            seen += len(columns)
    assert seen == table.shape[1]


def test_equal_to_librosa(sound):
    assert_equal_to_librosa(sound, ("mean", "std", "min", "max", "median", "var"))


def test_equal_to_librosa_with_other_settings(songs):
    settings = {"n_fft": 1024, "hop_length": 300, "n_mels": 40, "n_mfcc": 5}
    assert_equal_to_librosa(songs[0][5], ("mean", "std"), **settings)


@pytest.mark.parametrize("shape", [(90, 70), (31, 64), (20, 3), (4, 130), (1, 1)])
def test_running_median_is_scipys(shape):
    values = np.random.RandomState(0).randint(0, 30, size=shape).astype(np.float32)
    expected = scipy.ndimage.median_filter(values, (31, 1), mode="reflect")
    assert_array_equal(running_median(values), expected)


def test_a_table_with_names(songs):
    X = songs[0]
    describe = AudioDescriptorTransformer(**FEW, statistics=("max", "mean")).fit(X)
    table = describe.transform(X)
    names = describe.get_feature_names_out()
    assert table.shape == (24, len(names)) == (24, 2 * 13 + 1)
    assert table.dtype == np.float32
    assert names[[0, 1, 2, 14, -1]].tolist() == [
        "rms_max",
        "rms_mean",
        "chroma_stft_0_max",
        "chroma_stft_0_mean",
        "tempo",
    ]
    frame = describe.set_output(transform="pandas").transform(X)
    assert isinstance(frame, pd.DataFrame)
    assert frame.columns.tolist() == names.tolist()
    assert_array_equal(frame.to_numpy(), table)


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.6"),
    reason="scikit-learn 1.5 hands the index of frames on, but not that of series",
)
def test_paths_keep_the_index_of_their_series(song_files):
    paths = pd.Series(song_files[0][:3], index=["a", "b", "c"])
    frame = AudioDescriptorTransformer(**FEW).set_output(transform="pandas").fit_transform(paths)
    assert frame.index.tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("name", ALL_FEATURES)
def test_a_feature_alone_is_the_same(songs, name):
    settings = {"duration": 1.5, "statistics": ALL_STATISTICS}
    everything = AudioDescriptorTransformer(features=ALL_FEATURES, **settings)
    alone = AudioDescriptorTransformer(features=[name], **settings)
    columns = alone.get_feature_names_out()
    frame = everything.set_output(transform="pandas").fit_transform(songs[0][:1])
    assert_array_equal(alone.fit_transform(songs[0][:1])[0], frame[columns].to_numpy()[0])


@pytest.mark.parametrize("features", [FEW["features"], "tzanetakis2002"])
def test_bags_of_segments(songs, features):
    X = songs[0][:2]
    bags = AudioDescriptorTransformer(features=features, duration=1.5, n_segments=3)
    ragged = AudioDescriptorTransformer(features=features, duration=None, segment_duration=0.5)
    part = AudioDescriptorTransformer(features=features, duration=0.5)
    whole = bags.fit_transform(X)
    n_descriptors = len(part.get_feature_names_out())
    assert whole.shape == (2, 3, n_descriptors, 1)
    for i in range(3):
        assert_array_equal(whole[:, i, :, 0], part.fit_transform(X[:, i * 11025 : (i + 1) * 11025]))
    of_any_length = ragged.fit_transform([X[0], X[1][:9000]])
    assert of_any_length.dtype == object
    assert [bag.shape for bag in of_any_length] == [(3, n_descriptors, 1), (1, n_descriptors, 1)]
    assert_array_equal(of_any_length[0], whole[0])


def test_bags_have_no_columns_to_name(songs):
    bags = AudioDescriptorTransformer(**FEW, n_segments=3)
    assert not hasattr(bags, "get_feature_names_out")
    with pytest.raises(AttributeError):
        bags.set_output(transform="pandas")


def test_the_house_takes_the_bags(songs):
    X, y, _ = songs
    bags = make_pipeline(AudioDescriptorTransformer(**FEW, n_segments=3), SpectrogramScaler())
    scaled = bags.fit_transform(X)
    assert_allclose(scaled.mean(axis=(0, 1, 3)), 0, atol=1e-4)
    assert SegmentSummarizer().fit_transform(scaled).shape == (24, 2 * 27)
    voting = SegmentVotingClassifier(LogisticRegression(max_iter=1000))
    assert voting.fit(scaled, y).score(scaled, y) > 0.5


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"features": ("rms", "loudness")}, "'loudness'.*'chroma_stft'"),
        ({"features": "mfcc"}, "'tzanetakis2002' or a sequence.*'mfcc'"),
        ({"features": ("rms", "rms")}, "each once"),
        ({"features": ()}, "some of"),
        ({"features": None}, "'features' parameter"),
        ({"statistics": ("mode",)}, "'mode'.*'kurtosis'"),
        ({"features": [["rms"]]}, r"features \[\['rms'\]\] are unknown"),
        ({"features": ["tempo"], "hop_length": 200000}, "tempo needs frames closer"),
        ({"features": "tzanetakis2002", "sr": 4000}, "sample rate above 4000"),
        ({"statistics": ()}, "statistics must be"),
        ({"n_mfcc": 200}, "n_mfcc=200 is more than n_mels=128"),
        ({"sr": 8000}, "spectral_contrast needs.*sr=8000"),
        ({"n_fft": 64}, "spectral_contrast needs.*n_fft=64"),
        ({"duration": 0.1}, "shorter than the 9 frames of a delta"),
        ({"features": "tzanetakis2002", "duration": 0.02}, "shorter than one analysis window"),
    ],
)
def test_bad_parameters_are_named_at_fit_and_at_transform(songs, params, message):
    describe = AudioDescriptorTransformer(**params)
    with pytest.raises(ValueError, match=message):
        describe.fit(songs[0])
    with pytest.raises(ValueError, match=message):
        describe.transform(songs[0])


def test_clips_too_short_for_deltas_are_named():
    describe = AudioDescriptorTransformer(duration=None, features=["mfcc_delta"])
    with pytest.raises(AudioError, match="clip 1: shorter than the 9 frames"):
        describe.fit_transform([np.ones(5000), np.ones(2000)])


def test_unreadable_clips_become_nan(song_files):
    paths = [song_files[0][0], "gone.wav"]
    with pytest.raises(AudioError, match="gone"):
        AudioDescriptorTransformer(**FEW).fit_transform(paths)
    for segments in ({}, {"n_segments": 2}, {"segment_duration": 0.5}):
        describe = AudioDescriptorTransformer(**FEW, **segments, on_error="nan")
        with pytest.warns(UserWarning, match="1 of 2 clips"):
            X = describe.fit_transform(paths)
        assert np.isfinite(X[0]).all()
        assert np.isnan(X[1]).all()


@pytest.mark.parametrize("features", [ALL_FEATURES, "tzanetakis2002"])
def test_workers_do_not_change_the_numbers(song_files, features):
    paths = song_files[0][:4]
    describe = AudioDescriptorTransformer(features=features, duration=1.5)
    alone = describe.fit_transform(paths)
    assert_array_equal(describe.set_params(n_jobs=2).fit_transform(paths), alone)
    kernel = pickle.loads(pickle.dumps(describe._make_kernel()))
    waveforms = np.stack([load_audio(path) for path in paths])
    assert_array_equal(kernel(waveforms)[..., 0], alone)


def test_silent_unless_verbose(song_files, capfd):
    AudioDescriptorTransformer(duration=1.5).fit_transform(song_files[0][:2])
    assert capfd.readouterr() == ("", "")
    AudioDescriptorTransformer(**FEW, verbose=1).fit_transform(song_files[0][:2])
    assert "2/2" in capfd.readouterr().err


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_what_does_not_change_has_finite_descriptors(level):
    y = np.full((1, N), level)
    for features in (ALL_FEATURES, "tzanetakis2002"):
        describe = AudioDescriptorTransformer(
            features=features, statistics=ALL_STATISTICS, duration=1.5
        )
        assert np.isfinite(describe.fit_transform(y)).all()
