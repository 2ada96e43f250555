"""Models of transformers that hear waveforms are written to model files."""

import pickle

import matplotlib as mpl
import numpy as np
import pytest
import soundfile as sf
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentTimelineDisplay,
    SegmentVotingClassifier,
    Wav2VecClassifier,
    Wav2VecEmbedder,
    explain_segment,
    export_model,
    load_model,
    model_card,
)
from skgenre.datasets import make_genre_clips
from skgenre.persistence import _format, _sizes, _steps

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("skl2onnx")
pytest.importorskip("torch")

mpl.use("Agg")

SR = 16000
LINEAR = LogisticRegression(C=0.1, max_iter=2000)


@pytest.fixture(scope="module")
def music():
    """Twelve songs of 0.5 s of three genres, and songs of other lengths."""
    X, y = make_genre_clips(12, n_genres=3, duration=0.5, sr=SR, random_state=0)
    whole = np.concatenate(X)
    lengths = (30, 900, 1600, 3000, 8000, 40000)
    return X, y, [whole[start : start + n] for start, n in enumerate(lengths)]


@pytest.fixture
def tiny(checkpoints):
    """Return a classifier of a tiny checkpoint, of a family, with parameters."""

    def make(family="layer-norm", **params):
        settings = {"segment_duration": 0.1, "hidden_layer_sizes": (8,), "epochs": 2}
        settings |= {"learning_rate": 1e-2, "precision": "float32", "random_state": 0}
        return Wav2VecClassifier(checkpoint=checkpoints / family, **{**settings, **params})

    return make


@pytest.fixture(scope="module")
def written(checkpoints, music, tmp_path_factory):
    """A classifier, and the same from its file."""
    clf = Wav2VecClassifier(
        checkpoint=checkpoints / "layer-norm",
        segment_duration=0.1,
        hidden_layer_sizes=(8,),
        epochs=4,
        learning_rate=1e-2,
        precision="float32",
        on_error="nan",
        random_state=0,
    ).fit([*music[0][:8], music[0][8][:-1]], music[1][:9])
    path = tmp_path_factory.mktemp("written") / "model.onnx"
    export_model(clf, path)
    return clf, load_model(path), path


def check_same(clf, path, songs):
    """Check that a file answers as the classifier does, and return it."""
    export_model(clf, path)
    loaded = load_model(path)
    expected = clf.predict_proba(songs)
    np.testing.assert_allclose(loaded.predict_proba(songs), expected, atol=1e-5)
    assert loaded.predict(songs).tolist() == clf.predict(songs).tolist()
    return loaded


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("layer-norm", {}),
        ("group-norm", {"layers": "all", "pooling": "attention", "aggregate": "product"}),
        ("hubert", {"layers": [0, 1], "pooling": "max", "aggregate": "vote"}),
        ("wavlm", {"hidden_layer_sizes": ()}),
        ("data2vec", {}),
        ("24-khz", {"sr": 22050}),
        ("as-it-is", {"n_segments": 2}),
    ],
)
def test_classifiers(tiny, music, tmp_path, family, params):
    X, y, songs = music
    clf = tiny(family, **params).fit(X, y)
    loaded = check_same(clf, tmp_path / "model.onnx", songs)
    expected = clf.predict_segment_proba(songs)
    for found, segments in zip(loaded.predict_segment_proba(songs), expected, strict=True):
        np.testing.assert_allclose(found, segments, atol=1e-5)


def test_segments_shorter_than_a_frame_are_repeated(tiny, music, tmp_path):
    X, y, songs = music
    clf = tiny(segment_duration=0.002).fit(X[:, :320], y)
    check_same(clf, tmp_path / "model.onnx", [song[:900] for song in songs])


@pytest.mark.parametrize(
    ("family", "params"),
    [
        ("layer-norm", {"duration": 0.3}),
        ("group-norm", {"duration": 0.3, "n_segments": 3, "layers": "all"}),
        ("wavlm", {"duration": None, "segment_duration": 0.1, "layers": [0, -1]}),
        ("24-khz", {"duration": 0.3, "segment_duration": 0.1, "sr": 22050}),
        ("as-it-is", {"duration": 0.3, "statistics": ("median", "skew", "kurtosis", "var")}),
    ],
)
def test_embedders(checkpoints, music, tmp_path, family, params):
    X, y, songs = music
    embed = Wav2VecEmbedder(checkpoint=checkpoints / family, precision="float32", **params)
    is_cut = "n_segments" in params or "segment_duration" in params
    summary = [SegmentSummarizer(statistics=("mean",))] if is_cut else []
    clf = make_pipeline(embed, *summary, StandardScaler(), PCA(4), clone(LINEAR)).fit(X, y)
    loaded = check_same(clf, tmp_path / "model.onnx", songs)
    assert [segments.shape for segments in loaded.predict_segment_proba(songs)] == [(1, 3)] * 6


def test_segments_of_an_embedder_vote(checkpoints, music, tmp_path):
    X, y, songs = music
    embed = Wav2VecEmbedder(checkpoint=checkpoints / "hubert", duration=0.4, n_segments=4)
    embed.set_params(precision="float32")
    clf = make_pipeline(embed, SegmentVotingClassifier(clone(LINEAR))).fit(X, y)
    loaded = check_same(clf, tmp_path / "model.onnx", songs)
    assert [len(segments) for segments in loaded.predict_segment_proba(songs)] == [4] * 6


def test_beside_other_features(checkpoints, tiny, music, tmp_path):
    X, y, songs = music
    cut = {"duration": 0.4, "sr": SR}
    embed = Wav2VecEmbedder(checkpoint=checkpoints / "layer-norm", precision="float32", **cut)
    mfcc = make_pipeline(MFCCSegmenter(n_segments=None, **cut), SegmentSummarizer())
    union = FeatureUnion([("net", embed), ("mfcc", mfcc)])
    clf = make_pipeline(union, StandardScaler(), clone(LINEAR)).fit(X, y)
    loaded = check_same(clf, tmp_path / "model.onnx", songs[2:])
    assert [part.name for part in loaded.model.info.features] == ["features", "features_2"]
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    (proba,) = session.run(["probabilities"], {"waveform": X[:1, :6400]})
    np.testing.assert_allclose(proba, clf.predict_proba(X[:1]), atol=1e-4)


def test_a_classifier_as_a_transformer(tiny, music, tmp_path):
    X, y, songs = music
    clf = make_pipeline(tiny(n_segments=2).fit(X, y), clone(LINEAR)).fit(X, y)
    check_same(clf, tmp_path / "model.onnx", songs)


def test_the_file_takes_waveform(written, music, tmp_path):
    clf, loaded, path = written
    session = onnxruntime.InferenceSession(path)
    (taken,) = session.get_inputs()
    assert (taken.name, taken.shape[1]) == ("waveform", 1600)
    segments = music[0][0].reshape(5, 1600)
    (proba,) = session.run(["probabilities"], {"waveform": segments})
    np.testing.assert_allclose(proba, clf.predict_proba([music[0][0]]), atol=1e-5)
    info = loaded.model.info
    assert info.sr == SR
    assert info.segments == (None, 0.1, None, 1600)
    assert info.prior == pytest.approx(clf.class_prior_)
    assert "Features: WaveformSegments" in model_card(path)
    assert str(clf.checkpoint).encode() not in path.read_bytes()
    export_model(clf, tmp_path / "features.onnx", include_features=False)
    again = load_model(tmp_path / "features.onnx")
    np.testing.assert_array_equal(again.predict_proba(music[2]), loaded.predict_proba(music[2]))


def test_files_and_what_cannot_be_read(written, music, tmp_path):
    clf, loaded, _ = written
    sf.write(tmp_path / "song.wav", music[2][-1], 2 * SR)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    songs = [tmp_path / "song.wav", tmp_path / "broken.wav", (music[2][-1], 2 * SR)]
    with pytest.warns(UserWarning, match=r"broken\.wav"):
        expected = clf.predict_proba(songs)
    hearing = clone(loaded).set_params(on_error="nan", n_jobs=2, cache=tmp_path / "kept")
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 of 3 clips could not be read.*\n.*broken\.wav"):
            found = hearing.predict_proba(songs)
        np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found[1], clf.class_prior_)
    assert [*(tmp_path / "kept").rglob("output.bin")]
    with pytest.warns(UserWarning, match="could not be read"):
        assert [len(part) for part in hearing.predict_segment_proba(songs)] == [13, 1, 13]


def test_copies_displays_and_explanations(written, music):
    clf, loaded, _ = written
    song = music[2][-1]
    again = pickle.loads(pickle.dumps(loaded))
    np.testing.assert_array_equal(again.predict_proba([song]), loaded.predict_proba([song]))
    display = SegmentTimelineDisplay.from_estimator(loaded, song)
    np.testing.assert_allclose(display.proba, clf.predict_segment_proba([song])[0], atol=1e-5)
    assert display.segment_duration == 0.1
    with pytest.raises(ValueError, match="takes the features of WaveformSegments"):
        explain_segment(loaded, song)


def test_segments_apart_are_no_timeline(tiny, music, tmp_path):
    X, y, songs = music
    export_model(tiny(n_segments=2, epochs=1).fit(X, y), tmp_path / "model.onnx")
    loaded = load_model(tmp_path / "model.onnx")
    assert len(loaded.predict_segment_proba(songs)[-1]) == 2
    with pytest.raises(ValueError, match="at most 2 segments of a song, with gaps"):
        SegmentTimelineDisplay.from_estimator(loaded, songs[-1])


def test_long_songs_are_read_in_parts(written, monkeypatch):
    _, loaded, _ = written
    song = np.random.default_rng(0).uniform(-0.5, 0.5, 150 * SR).astype(np.float32)
    heard = []
    judge = type(loaded.model).judge
    monkeypatch.setattr(
        type(loaded.model),
        "judge",
        lambda self, parts: (heard.append(len(parts[0])), judge(self, parts))[1],
    )
    (segments,) = loaded.predict_segment_proba([song])
    assert len(segments) == 1500
    assert heard == [600, 600, 300]
    np.testing.assert_allclose(segments[1234:1236], judge_two(loaded, song), atol=1e-6)


def judge_two(loaded, song):
    return loaded.predict_segment_proba([song[1234 * 1600 : 1236 * 1600]])[0]


def test_half_precision_is_written_as_single(tiny, music, tmp_path):
    X, y, songs = music
    clf = tiny("wide", precision="bfloat16", epochs=1).fit(X, y)
    export_model(clf, tmp_path / "model.onnx")
    found = load_model(tmp_path / "model.onnx").predict_proba(songs)
    np.testing.assert_allclose(found, clf.predict_proba(songs), atol=0.02)
    clf.set_params(precision="float32")
    np.testing.assert_allclose(found, clf.predict_proba(songs), atol=1e-5)


def test_the_same_bytes_again(written, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    for name in ("one.onnx", "two.onnx"):
        export_model(pickle.loads(pickle.dumps(written[0])), tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_what_cannot_be_written_is_named(checkpoints, tiny, music, tmp_path, monkeypatch):
    X, y, _ = music
    path = tmp_path / "model.onnx"
    clf = tiny("ast", epochs=1).fit(X, y)
    with pytest.raises(ValueError, match=r"'audio-spectrogram-transformer' with a ASTFeature.*wav"):
        export_model(clf, path)
    embed = Wav2VecEmbedder(checkpoint=checkpoints / "hubert", duration=None, precision="float32")
    whole = make_pipeline(embed, SegmentSummarizer(), clone(LINEAR)).fit(list(X), y)
    with pytest.raises(ValueError, match="set a duration or a segment_duration"):
        export_model(whole, path)
    monkeypatch.setattr(_steps, "MAX_FILE_BYTES", 1000)
    with pytest.raises(ValueError, match="weights of Wav2VecClassifier take"):
        export_model(tiny(epochs=1).fit(X, y), path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"working_sr": 8000}, "are said to have the shape"),
        ({"working_sr": 2e6}, "working_sr=2000000.0, more than"),
        ({"working_sr": 0}, "The 'working_sr' parameter"),
        ({"sr": 101.0, "segment_duration": 0.1, "working_sr": 16000}, "are not resampled"),
        ({"sr": 0.001}, "too low or too high"),
        ({"max_segments": 10**6}, "max_segments=1000000, more than"),
        ({"max_segments": 0}, "The 'max_segments' parameter"),
        ({"max_segments": 3, "segment_duration": None, "duration": 0.1}, "needs a segment_dur"),
        ({"segment_duration": 9e4}, "is too long"),
        ({"function": "os.system"}, "does not have: 'function'"),
    ],
)
def test_cuts_that_make_no_sense_are_refused(written, tmp_path, params, says):
    model = onnx.load(written[2])
    props = {entry.key: entry.value for entry in model.metadata_props}
    props.pop("content_sha256")
    info = _format.ModelInfo.from_props(props)
    (part,) = info.features
    changed = info._replace(features=(part._replace(params={**part.params, **params}),))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, changed.to_props())
    path = tmp_path / "model.onnx"
    path.write_bytes(_format.seal(model.SerializeToString()))
    with pytest.raises(ValueError, match=says):
        load_model(path)


def test_segments_that_take_much_memory_are_judged_one_at_a_time(
    written, checkpoints, music, tmp_path, monkeypatch
):
    clf, _, path = written
    # a segment of the tiny nets takes 8 * 318 values in its largest layer, here of 8 bytes
    monkeypatch.setattr(_sizes, "MAX_VALUE_BYTES", 2**16)
    narrow = load_model(path)
    ran = []
    run = type(narrow.model)._run
    monkeypatch.setattr(
        type(narrow.model),
        "_run",
        lambda self, song: (ran.append(len(song[0])), run(self, song))[1],
    )
    song = music[2][-1]
    np.testing.assert_allclose(narrow.predict_proba([song]), clf.predict_proba([song]), atol=1e-5)
    assert ran == [1] * 25

    cut = {"segment_duration": 0.1, "precision": "float32"}
    few = Wav2VecEmbedder(checkpoint=checkpoints / "hubert", duration=0.2, **cut)
    monkeypatch.setattr(_sizes, "MAX_VALUE_BYTES", 2**17)
    X, y = [*music[0][1:], song], music[1]
    summary = SegmentSummarizer(statistics=("mean",))
    check_same(make_pipeline(few, summary, clone(LINEAR)).fit(X, y), tmp_path / "few.onnx", [song])
    assert ran[-1] == 2
    many = few.set_params(duration=2.0)
    clf = make_pipeline(many, summary, clone(LINEAR)).fit(X, y)
    with pytest.raises(ValueError, match=r"has the shape .* above 0\.125 MiB"):
        export_model(clf, tmp_path / "many.onnx")
