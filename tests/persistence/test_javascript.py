"""A model file answers in JavaScript as in Python.

`make test-javascript` installs onnxruntime-web and runs this.
"""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    export_model,
    load_model,
    make_genre_classifier,
)
from skgenre.datasets import make_genre_clips

pytest.importorskip("skl2onnx")

FOLDER = Path(__file__).parents[2] / "examples" / "javascript"
GTZAN_10 = Path(__file__).parents[2] / "skgenre" / "data" / "gtzan-10.onnx"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").exists(), reason="`make test-javascript` runs these"
    ),
]


def run(model, *songs):
    """Return what judge.mjs prints for songs, and its errors."""
    done = subprocess.run(
        [NODE, FOLDER / "judge.mjs", model, *songs], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode == 0) == (not done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def check_answers(model, songs, atol=1e-4):
    """Compare the answers of JavaScript with those of Python."""
    clf = load_model(model)
    answers, errors = run(model, *songs)
    assert not errors
    assert [answer["genres"] for answer in answers] == [clf.classes_.tolist()] * len(songs)
    proba, segments = clf.predict_proba(songs), clf.predict_segment_proba(songs)
    assert [answer["genre"] for answer in answers] == clf.predict(songs).tolist()
    for number, answer in enumerate(answers):
        np.testing.assert_allclose(answer["probabilities"], proba[number], atol=atol)
        np.testing.assert_allclose(answer["segmentProbabilities"], segments[number], atol=atol)


@pytest.fixture
def write_songs(tmp_path):
    """Return a function that writes songs of all lengths and sample types at a rate."""

    def write_songs(sr, duration):
        n_samples = round(duration * sr)
        X, _ = make_genre_clips(4, n_genres=4, duration=2.5 * duration, sr=sr, random_state=1)
        stereo = X[:2, :n_samples].T
        songs = {
            "exact": (X[0, :n_samples], "PCM_16"),
            "long": (X[1], "PCM_16"),
            "short": (X[2, : n_samples // 3 + 1], "FLOAT"),
            "very short": (X[3, :100], "PCM_16"),
            "one sample": (X[3, 100:101], "FLOAT"),
            "silent": (np.zeros(n_samples), "PCM_16"),
            "quiet": (1e-4 * X[0], "DOUBLE"),
            "stereo": (stereo, "PCM_24"),
            "opposite": (stereo[:, :1] * [1, -1, 0.1], "PCM_32"),
            "8 bits": (X[2], "PCM_U8"),
        }
        for name, (samples, subtype) in songs.items():
            sf.write(tmp_path / f"{name}.wav", samples, sr, subtype=subtype)
        return [str(tmp_path / f"{name}.wav") for name in songs]

    return write_songs


@pytest.mark.parametrize("recipe", ["cnn-mfcc-10", "cnn-mel", "musicnn"])
def test_recipes(recipe, write_songs, tmp_path):
    sr, duration = (16000, 4.0) if recipe == "musicnn" else (22050, 3.0)
    X, y = make_genre_clips(12, n_genres=3, duration=duration, sr=sr, random_state=0)
    clf = make_genre_classifier(recipe, sr=sr, duration=duration, random_state=0)
    if recipe != "musicnn":
        pytest.importorskip("tf2onnx")
        clf.set_params(cnn__epochs=3)
    export_model(clf.fit(X, y), tmp_path / "model.onnx")
    check_answers(tmp_path / "model.onnx", write_songs(sr, duration))


def test_gtzan_10(write_songs):
    exact, *_, opposite, _ = write_songs(16000, 8.0)
    check_answers(GTZAN_10, [exact, opposite])


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_songs_of_other_rates_are_resampled(rate, tmp_path):
    X, _ = make_genre_clips(3, n_genres=3, duration=4.0, sr=rate, random_state=0)
    songs = [str(tmp_path / f"{number}.wav") for number in range(len(X))]
    for song, samples in zip(songs, X, strict=True):
        sf.write(song, samples, rate)
    check_answers(GTZAN_10, songs, atol=0.005)


@pytest.mark.parametrize(
    ("aggregate", "duration"), [("mean", 1.7), ("product", None), ("vote", None)]
)
def test_any_number_of_segments(aggregate, duration, write_songs, tmp_path):
    sr = 11025
    X, y = make_genre_clips(12, n_genres=3, duration=1.5, sr=sr, random_state=0)
    transform = MFCCSegmenter(sr=sr, duration=duration, n_segments=None, segment_duration=0.5)
    vote = SegmentVotingClassifier(LogisticRegression(C=1e-3), aggregate=aggregate)
    clf = make_pipeline(transform, SpectrogramScaler(), vote).fit(list(X), y)
    export_model(clf, tmp_path / "model.onnx")
    songs = write_songs(sr, 1.1)
    # more than is judged at a time
    sf.write(songs[0], np.tile(X.ravel(), 6), sr)
    check_answers(tmp_path / "model.onnx", songs)


def test_a_long_song_that_is_judged_as_a_whole(tmp_path):
    sr = 22050
    X, y = make_genre_clips(12, n_genres=3, duration=1.5, sr=sr, random_state=0)
    clf = make_pipeline(
        MFCCSegmenter(sr=sr, duration=None, n_segments=None, segment_duration=0.5),
        SegmentSummarizer(),
        StandardScaler(),
        LogisticRegression(),
    )
    export_model(clf.fit(list(X), y), tmp_path / "model.onnx")
    # as many samples as other models judge in two goes
    sf.write(tmp_path / "long.wav", np.concatenate([*X[:6]] * 6), sr)
    check_answers(tmp_path / "model.onnx", [str(tmp_path / "long.wav")])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a model file and a song that it can judge."""
    folder = tmp_path_factory.mktemp("small")
    X, y = make_genre_clips(8, n_genres=2, duration=1.0, random_state=0)
    transform = MelSpectrogramTransformer(duration=1.0, n_mels=8)
    vote = SegmentVotingClassifier(LogisticRegression())
    clf = make_pipeline(transform, SpectrogramScaler(), vote).fit(X, np.where(y == y[0], 2, 10))
    export_model(clf, folder / "model.onnx")
    export_model(clf, folder / "features.onnx", include_features=False)
    sf.write(folder / "song.wav", X[0], 22050)
    return folder / "model.onnx", folder / "song.wav"


def test_genres_may_be_numbers(small):
    model, song = small
    check_answers(model, [song])


def test_it_abstains_too(tmp_path):
    X, y = make_genre_clips(24, n_genres=3, duration=1.0, random_state=0)
    clf = SelectiveClassifier(
        make_pipeline(
            MelSpectrogramTransformer(duration=1.0, n_mels=8),
            SpectrogramScaler(),
            SegmentVotingClassifier(LogisticRegression(C=1e-3)),
        ),
        target_precision=0.3,
    ).fit(X, y)
    songs = [str(tmp_path / f"{number}.wav") for number in range(4)]
    for path, samples in zip(songs, X, strict=False):
        sf.write(path, samples, 22050)
    sure = np.sort(clf.predict_proba(songs).max(axis=1))
    for threshold in (sure[1:3].mean(), np.inf):
        clf.threshold_ = float(threshold)
        export_model(clf, tmp_path / "model.onnx")
        check_answers(tmp_path / "model.onnx", songs)


def test_songs_that_cannot_be_judged(small, tmp_path):
    model, song = small
    samples, sr = sf.read(song)
    songs = {
        "nan": (np.full(sr, np.nan), sr, "a sample of NaN"),
        "loud": (samples * 30000, sr, "where full scale is 1"),
        "empty": (samples[:0], sr, "no samples"),
    }
    for name, (values, rate, _) in songs.items():
        sf.write(tmp_path / f"{name}.wav", values, rate, subtype="FLOAT")
    (tmp_path / "cut.wav").write_bytes(song.read_bytes()[:-10])
    (tmp_path / "text.wav").write_text("This is no song.")
    reasons = {name: reason for name, (_, _, reason) in songs.items()}
    reasons |= {"cut": "cut off", "text": "no WAV file", "missing": "no such file"}
    answers, errors = run(model, *(tmp_path / f"{name}.wav" for name in reasons), song)
    assert len(answers) == 1
    for line, (name, reason) in zip(errors.splitlines(), reasons.items(), strict=True):
        assert line.startswith(str(tmp_path / f"{name}.wav"))
        assert reason in line


def test_files_that_are_no_models(small, tmp_path):
    model, song = small
    data = model.read_bytes()
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    files = {
        "changed": (bytes(changed), "checksum"),
        "cut": (data[:-50], "cut off"),
        "song": (song.read_bytes(), "not a model file"),
        "empty": (b"", "not a model file"),
        "newer": (data.replace(b"skgenre_format\x12\x011", b"skgenre_format\x12\x019"), "format 9"),
        "features": (
            model.with_name("features.onnx").read_bytes(),
            "takes features (MelSpectrogramTransformer)",
        ),
    }
    for name, (content, reason) in files.items():
        (tmp_path / name).write_bytes(content)
        answers, error = run(tmp_path / name, song)
        assert not answers
        assert error.startswith(str(tmp_path / name))
        assert reason in error
