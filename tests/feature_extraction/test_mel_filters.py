import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skgenre import MelSpectrogramTransformer
from skgenre.feature_extraction._mel_filters import frame_window, mel_filters

SETTINGS = {"sr": 16000, "n_fft": 512, "n_mels": 40, "fmin": 0.0, "fmax": None, "norm": "slaney"}


@pytest.mark.parametrize("htk", [False, True])
@pytest.mark.parametrize("fmin", [0.0, 50.0, 1500.0])
@pytest.mark.parametrize(
    "others",
    [{}, {"fmax": 900.0, "n_mels": 5}, {"norm": None}, {"norm": 1}, {"norm": 2.5}, {"n_fft": 401}],
)
def test_filters_are_those_of_librosa(htk, fmin, others):
    settings = {**SETTINGS, "htk": htk, "fmin": min(fmin, others.get("fmax", 2000.0) / 2), **others}
    found, expected = mel_filters(**settings), librosa.filters.mel(**settings)
    assert found.dtype == expected.dtype
    assert_allclose(found, expected, rtol=1e-5, atol=1e-7 * expected.max())


@pytest.mark.parametrize("window", ["hann", "hamming", ("kaiser", 4.0), np.ones])
@pytest.mark.parametrize("length", [1, 2, 401, 512])
def test_windows_are_those_of_librosa(window, length):
    expected = librosa.filters.get_window(window, length)
    assert_allclose(frame_window(window, length, length), expected, atol=1e-15)


def test_empty_bands_are_told(songs):
    mel = MelSpectrogramTransformer(n_fft=256, hop_length=128, n_mels=120, fmin=10.0, duration=1.0)
    with pytest.warns(UserWarning, match="Some mel bands hold no bin .* choose fewer bands"):
        mel.fit_transform(songs[0][:1])
