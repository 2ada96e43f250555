import librosa
import matplotlib.pyplot as plt
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from skgenre import (
    AudioDescriptorTransformer,
    AudioError,
    MelSpectrogramDisplay,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SpectrogramScaler,
)
from skgenre.inspection._spectrogram_axes import frame_edges, mel_edges

SR = 22050


def drawn(ax):
    """Return the values of the meshes on axes, one for each segment."""
    return np.array([mesh.get_array() for mesh in ax.collections])


def test_what_is_drawn_is_what_the_transformer_gives(song_files):
    path = song_files[0][0]
    segmenter = MFCCSegmenter(duration=1.5, n_segments=3)
    display = MelSpectrogramDisplay.from_estimator(segmenter, path)
    assert_array_equal(drawn(display.axes_[2]), segmenter.transform([path])[0])
    mel = MelSpectrogramTransformer(duration=1.5, n_segments=3).transform([path])[0]
    assert_array_equal(drawn(display.axes_[1]), mel)
    y, _ = librosa.load(path, sr=SR)
    assert_allclose(display.axes_[0].lines[0].get_ydata(), y[: 3 * (len(y) // 3)], atol=1e-6)


def test_axes_tell_seconds_and_hertz(songs):
    display = MelSpectrogramDisplay.from_estimator(
        MFCCSegmenter(duration=1.5, n_segments=3), songs[0][0]
    )
    waveform, mel, mfcc = display.axes_
    assert [ax.get_ylabel() for ax in display.axes_] == [
        "Amplitude",
        "Frequency (Hz)",
        "Coefficient",
    ]
    assert mfcc.get_xlabel() == "Time (s)"
    for ax in display.axes_:
        assert_allclose(ax.get_xlim(), (0, 1.5))
        borders = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
        assert_allclose(borders, [0.5, 1.0])
    assert [text.get_text() for text in mel.get_yticklabels()] == [
        "250",
        "500",
        "1000",
        "2000",
        "4000",
        "8000",
    ]
    low, high = mel.get_ylim()
    assert 0 < low < 30
    assert 10_500 < high < SR / 2
    assert mfcc.get_ylim() == (-0.5, 12.5)
    assert waveform.get_ylim() == (-1, 1)


@pytest.mark.parametrize("hertz", [440.0, 3000.0])
@pytest.mark.parametrize("htk", [False, True])
def test_a_tone_lies_where_its_frequency_is(hertz, htk):
    tone = np.sin(2 * np.pi * hertz * np.arange(SR) / SR).astype(np.float32)
    display = MelSpectrogramDisplay.from_estimator(
        MelSpectrogramTransformer(duration=1.0, htk=htk), tone
    )
    mesh = display.axes_[1].collections[0]
    edges = mesh.get_coordinates()[:, 0, 1]
    loudest = mesh.get_array().mean(axis=1).argmax()
    width = edges[loudest + 1] - edges[loudest]
    assert edges[loudest] - width / 2 < hertz < edges[loudest + 1] + width / 2


@pytest.mark.parametrize("center", [True, False])
def test_a_click_lies_where_it_sounds(center):
    y = np.zeros(SR, dtype=np.float32)
    y[round(0.6 * SR)] = 1
    display = MelSpectrogramDisplay.from_estimator(
        MelSpectrogramTransformer(duration=1.0, hop_length=256, center=center), y
    )
    mesh = display.axes_[1].collections[0]
    edges = mesh.get_coordinates()[0, :, 0]
    loudest = mesh.get_array().mean(axis=0).argmax()
    assert abs(edges[loudest : loudest + 2].mean() - 0.6) < 256 / SR


def test_bands_are_around_their_centres():
    transformer = MelSpectrogramTransformer(n_mels=30, fmin=100, fmax=5000)
    edges = mel_edges(transformer)
    centres = librosa.mel_frequencies(32, fmin=100, fmax=5000)[1:-1]
    assert (edges[:-1] < centres).all()
    assert (centres < edges[1:]).all()


def test_frames_stay_in_their_segment():
    transformer = MelSpectrogramTransformer()
    edges = frame_edges(transformer, 130, 3 * SR)
    assert edges[0] == 0
    assert edges[-1] == 3
    assert_allclose(np.diff(edges)[1:-2], 512 / SR)


def test_narrow_ranges_have_ticks_too(songs):
    display = MelSpectrogramDisplay.from_estimator(
        MelSpectrogramTransformer(duration=1.5, n_mels=8, fmin=300, fmax=450), songs[0][0]
    )
    low, high = display.axes_[1].get_ylim()
    ticks = display.axes_[1].get_yticks()
    assert ((low <= ticks) & (ticks <= high)).sum() >= 3


def test_ragged_songs_and_pipelines(songs):
    clf = make_pipeline(
        MFCCSegmenter(duration=None, n_segments=None, segment_duration=1.0), SpectrogramScaler()
    )
    display = MelSpectrogramDisplay.from_estimator(clf, songs[0][0])
    assert display.mfcc.shape == (2, 13, 44)
    assert_allclose(display.axes_[0].get_xlim(), (0, 2))


def test_draws_where_it_is_told(songs):
    mel = MelSpectrogramTransformer(duration=1.5)
    figure, axes = plt.subplots(2, 2, layout="constrained")
    display = MelSpectrogramDisplay.from_estimator(mel, songs[0][0], ax=axes[:, 0])
    assert list(display.axes_) == list(axes[:, 0])
    inside = display.plot(axes[0, 1])
    assert inside.figure_ is figure
    assert len(inside.axes_) == 2
    assert not axes[0, 1].axison
    assert plt.get_fignums() == [figure.number]
    with pytest.raises(ValueError, match="2 axes, or a single one to divide, got 4"):
        display.plot(axes)
    with pytest.raises(ValueError, match="not part of a grid"):
        display.plot(figure.add_axes((0, 0, 1, 1)))


@pytest.mark.parametrize("layout", ["constrained", None])
def test_panels_share_their_seconds(songs, layout):
    _, axes = plt.subplots(3, 1, layout=layout)
    display = MelSpectrogramDisplay.from_estimator(
        MFCCSegmenter(duration=1.5), songs[0][0], ax=axes
    )
    display.figure_.canvas.draw()
    sides = [(ax.get_window_extent().x0, ax.get_window_extent().x1) for ax in display.axes_]
    assert_allclose(sides, [sides[0]] * 3)


def test_bad_input(songs, tmp_path):
    segmenter = MFCCSegmenter(duration=1.5)
    with pytest.raises(TypeError, match="MelSpectrogramTransformer, an MFCCSegmenter or a pipe"):
        MelSpectrogramDisplay.from_estimator(AudioDescriptorTransformer(), songs[0][0])
    with pytest.raises(ValueError, match=r"X must be one clip.*shape \(24, 33075\)"):
        MelSpectrogramDisplay.from_estimator(segmenter, songs[0])
    with pytest.raises(ValueError, match="X must be one clip"):
        MelSpectrogramDisplay.from_estimator(segmenter, ["a.wav"])
    missing = MFCCSegmenter(duration=1.5, on_error="nan")
    with pytest.raises(AudioError, match=r"none\.wav"):
        MelSpectrogramDisplay.from_estimator(missing, tmp_path / "none.wav")
    assert not plt.get_fignums()


def test_the_estimator_stays_as_it_is(songs):
    segmenter = MFCCSegmenter(duration=1.5, on_error="nan", verbose=1)
    before = segmenter.get_params()
    MelSpectrogramDisplay.from_estimator(segmenter, songs[0][0])
    assert segmenter.get_params() == before
    assert not hasattr(segmenter, "n_features_in_")


def test_real_clip(gtzan_home):
    path = f"{gtzan_home}/clips30s/blues/blues.00000.flac"
    display = MelSpectrogramDisplay.from_estimator(MFCCSegmenter(), path)
    assert display.mel.shape == (10, 128, 130)
    assert np.ptp(display.mel[0]) <= 80
