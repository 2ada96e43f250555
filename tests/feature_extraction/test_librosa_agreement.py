"""The numbers of the transformers are librosa's."""

import librosa
import numpy as np
import pytest
import scipy.signal
from numpy.testing import assert_allclose

from skgenre import MelSpectrogramTransformer, MFCCSegmenter

SR = 22050
N = 3 * SR
RNG = np.random.RandomState(0)
TIME = np.arange(N) / SR


def impulses():
    y = np.zeros(N)
    y[::5000] = 1
    return y


def low_passed():
    return scipy.signal.sosfilt(
        scipy.signal.butter(8, 1000, fs=SR, output="sos"), RNG.normal(size=N)
    )


SOUNDS = {
    "noise": RNG.normal(0, 0.3, size=N),
    "quiet noise": RNG.normal(0, 1e-4, size=N),
    "silence": np.zeros(N),
    "sine": np.sin(2 * np.pi * 440 * TIME),
    "chirp": scipy.signal.chirp(TIME, 50, 3, 10000),
    "impulses": impulses(),
    "low-passed": low_passed(),
    "half silent": np.where(TIME < 1.5, RNG.normal(size=N), 0),
}
SOUNDS = {name: y.astype(np.float32) for name, y in SOUNDS.items()}


@pytest.fixture(params=[*SOUNDS, "music"])
def sound(request, songs):
    return np.tile(songs[0][3], 2) if request.param == "music" else SOUNDS[request.param]


def librosa_db(y, *, top_db=80.0, **settings):
    return librosa.power_to_db(
        librosa.feature.melspectrogram(y=y, sr=SR, **settings), top_db=top_db
    )


def our_db(y, **settings):
    return MelSpectrogramTransformer(duration=3.0, **settings).fit_transform(y[np.newaxis])[0]


def test_mel_equals_librosa(sound):
    assert_allclose(our_db(sound), librosa_db(sound), atol=1e-3)


def test_mel_without_top_db_equals_librosa(sound):
    assert_allclose(our_db(sound, top_db=None), librosa_db(sound, top_db=None), atol=1e-4)


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("settings", [{"power": 1.0}, {"n_fft": 512}, {"top_db": 90.0}], ids=str)
def test_what_float32_cannot_follow_is_computed_in_float64(name, settings):
    assert_allclose(
        our_db(SOUNDS[name], **settings), librosa_db(SOUNDS[name], **settings), atol=1e-3
    )


@pytest.mark.parametrize(("n_fft", "hop_length"), [(1001, 500), (1023, 100), (1001, 450)])
def test_frames_of_odd_length_are_counted_as_in_librosa(n_fft, hop_length):
    for n_samples in (22000, 22050):
        y = SOUNDS["noise"][:n_samples]
        settings = {"n_fft": n_fft, "hop_length": hop_length}
        ours = MelSpectrogramTransformer(duration=None, **settings).fit_transform([y])[0][0]
        assert_allclose(ours, librosa_db(y, **settings), atol=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_fft": 1024, "hop_length": 256},
        {"n_fft": 1023, "hop_length": 100},
        {"n_fft": 512, "hop_length": 100},
        {"n_fft": 4096, "hop_length": 5000},
        {"n_fft": 64, "hop_length": 64, "n_mels": 10},
        {"win_length": 1000},
        {"window": "hamming"},
        {"window": ("kaiser", 4.0)},
        {"window": np.hanning(2048)},
        {"center": False},
        {"pad_mode": "edge"},
        {"pad_mode": "linear_ramp"},
        {"pad_mode": "reflect"},
        {"pad_mode": "symmetric"},
        {"power": 1.0},
        {"fmin": 100.0, "fmax": 8000.0},
        {"htk": True, "norm": None},
        {"norm": np.inf},
        {"n_mels": 40},
    ],
    ids=str,
)
def test_every_setting_means_what_it_means_in_librosa(settings):
    sound = SOUNDS["noise"]
    assert_allclose(our_db(sound, **settings), librosa_db(sound, **settings), atol=1e-3)


def test_mfcc_of_each_segment_equals_librosa(sound):
    segments = MFCCSegmenter(duration=3.0, n_segments=3).fit_transform(sound[np.newaxis])[0]
    for segment, part in zip(segments, sound.reshape(3, SR), strict=True):
        expected = librosa.feature.mfcc(y=part, sr=SR, n_mfcc=13)
        assert_allclose(segment, expected, rtol=1e-5, atol=2e-3)


def test_files_equal_librosa_end_to_end(song_files):
    path = song_files[0][0]
    y, _ = librosa.load(path)
    features = MelSpectrogramTransformer(duration=1.5).fit_transform([path])[0]
    assert_allclose(features, librosa_db(y), atol=1e-3)


def test_default_shapes():
    y = np.resize(SOUNDS["noise"], (2, 30 * SR))
    assert MelSpectrogramTransformer().fit_transform(y).shape == (2, 128, 1292)
    assert MFCCSegmenter().fit_transform(y).shape == (2, 10, 13, 130)
