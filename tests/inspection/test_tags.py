import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skgenre import AudioError, OnnxEmbedder, TagDisplay

VALUES = np.array([[0.1, 0.5, 0.3], [0.1, 0.7, 0.3], [0.3, 0.0, 0.4]])
TAGS = ["sad", "rock", "jazz"]


def test_what_is_drawn():
    display = TagDisplay.from_predictions(VALUES, tags=TAGS, segment_duration=2.5, n_largest=2)
    ax, mesh = display.ax_, display.mesh_
    assert_allclose(mesh.get_array(), VALUES[:, [1, 2]].T)
    assert mesh.get_clim() == (0, 0.7)
    assert_allclose(mesh.get_coordinates()[0, :, 0], [0, 2.5, 5, 7.5])
    assert ax.get_xlabel() == "Time (s)"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["rock", "jazz"]


def test_tags_are_a_series_of_any_index():
    tags = pd.Series(TAGS, index=[7, 8, 9])
    display = TagDisplay.from_predictions(VALUES, tags=tags, segment_duration=2.5)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["rock", "jazz", "sad"]


def test_the_whole_song_is_heard(songs):
    song = np.concatenate([songs[0][0], songs[0][20]])
    embedder = OnnxEmbedder(outputs=["penultimate"], duration=1.0)
    display = TagDisplay.from_estimator(embedder, np.tile(song, 3))
    assert display.segment_duration == pytest.approx(187 * 256 / 16000)
    assert display.values.shape == (3, 50)
    assert embedder.duration == 1.0
    in_pieces = TagDisplay.from_estimator(embedder, song, segment_duration=1.5, n_largest=60)
    assert in_pieces.values.shape == (2, 50)
    expected = OnnxEmbedder(duration=1.5).fit_transform([song[: len(song) // 2], songs[0][20]])
    assert_allclose(in_pieces.values, expected, atol=1e-3)
    names = [label.get_text() for label in in_pieces.ax_.get_yticklabels()]
    assert len(names) == 50
    first = np.argmax(in_pieces.values.mean(axis=0))
    assert names[0] == in_pieces.tags[first]


def test_from_a_file_on_given_axes(song_files):
    _, ax = plt.subplots()
    display = TagDisplay.from_estimator(OnnxEmbedder(), song_files[0][0], ax=ax)
    assert display.ax_ is ax
    assert len(ax.get_yticklabels()) == 12


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tags": TAGS[:2]}, r"shape \(n_segments, 2\), for as many tags, got \(3, 3\)"),
        ({"segment_duration": 0}, "segment_duration must be positive"),
        ({"n_largest": 0}, "n_largest == 0, must be >= 1"),
        ({"values": VALUES * np.nan}, "NaN or infinity"),
        ({"values": VALUES[:0]}, "shape"),
    ],
)
def test_bad_input_is_named(settings, message):
    settings = {"values": VALUES, "tags": TAGS, "segment_duration": 1.0, **settings}
    with pytest.raises(ValueError, match=message):
        TagDisplay.from_predictions(settings.pop("values"), **settings)


def test_what_is_no_song_or_embedder_is_refused(songs, tmp_path):
    with pytest.raises(TypeError, match="Expected an OnnxEmbedder, got a str"):
        TagDisplay.from_estimator("musicnn-msd", songs[0][0])
    with pytest.raises(ValueError, match="X must be one clip"):
        TagDisplay.from_estimator(OnnxEmbedder(), songs[0][:9])
    with pytest.raises(AudioError, match="no such file"):
        TagDisplay.from_estimator(OnnxEmbedder(), tmp_path / "none.wav")
    with pytest.raises(ValueError, match="'segment_duration' parameter"):
        TagDisplay.from_estimator(OnnxEmbedder(), songs[0][0], segment_duration=0)
