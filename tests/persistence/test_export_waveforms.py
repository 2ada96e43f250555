"""The graph makes of waveforms what our transformers make of them, and nets answer as in Keras."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    OnnxEmbedder,
    SegmentVotingClassifier,
    SpectrogramScaler,
    export_model,
    load_model,
)

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("skl2onnx")


def open_model(path, *more):
    """Return a session of a file that also gives values inside it."""
    model = onnx.load(path)
    model.graph.output.extend(value for value in model.graph.value_info if value.name in more)
    return onnxruntime.InferenceSession(model.SerializeToString())


def export_and_run(clf, folder, segments):
    """Return the probabilities of segments and song, and the features inside.

    `load_model`, which leaves out what makes the features, answers as the pipeline does.
    """
    export_model(clf, folder / "model.onnx")
    song = segments.reshape(1, -1)
    loaded = load_model(folder / "model.onnx").predict_proba(song)
    np.testing.assert_allclose(loaded, clf.predict_proba(song), atol=1e-5)
    session = open_model(folder / "model.onnx", "features")
    names = ["segment_probabilities", "probabilities", "features"]
    return session.run(names, {"waveform": segments})


LINEAR = SegmentVotingClassifier(LogisticRegression(C=1e-3, max_iter=5000))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_mels": 40, "fmin": 50.0, "fmax": 8000.0, "htk": True, "norm": None},
        {"n_fft": 1000, "hop_length": 333, "win_length": 800, "window": "hamming"},
        {"n_fft": 512, "power": 1.0, "pad_mode": "reflect", "window": ("kaiser", 4.0)},
        {"top_db": None, "center": False},
        {"top_db": 120.0, "pad_mode": "edge"},
    ],
)
@pytest.mark.parametrize("transformer", [MelSpectrogramTransformer, MFCCSegmenter])
def test_features(transformer, settings, clips, tmp_path):
    X, y = clips
    X = X * np.geomspace(1, 1e-6, X.shape[1], dtype=np.float32)  # from loud to inaudible
    transform = transformer(duration=1.5, n_segments=3, **settings)
    clf = make_pipeline(transform, SpectrogramScaler(), LINEAR).fit(X, y)
    segments, song, features = export_and_run(clf, tmp_path, X[5].reshape(3, -1))
    np.testing.assert_allclose(features, transform.transform(X[5:6])[0], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(song, clf.predict_proba(X[5:6]), atol=1e-4)
    expected = clf[-1].predict_segment_proba(clf[:-1].transform(X[5:6]))[0]
    np.testing.assert_allclose(segments, expected, atol=1e-4)


def test_any_number_of_segments(clips, tmp_path):
    X, y = clips
    transform = MFCCSegmenter(n_segments=None, segment_duration=0.5)
    clf = make_pipeline(transform, SpectrogramScaler(), LINEAR).fit(list(X), y)
    export_model(clf, tmp_path / "model.onnx")
    session = open_model(tmp_path / "model.onnx")
    for n_segments in (1, 2, 5):
        waveform = np.resize(X[3], n_segments * 11025)
        (song,) = session.run(["probabilities"], {"waveform": waveform.reshape(-1, 11025)})
        expected = clf.predict_proba([waveform, X[0]])[:1]
        np.testing.assert_allclose(song, expected, atol=1e-5)


SMALL = {"epochs": 1, "random_state": 0}
NETS = {
    "dense": KerasANNClassifier(**SMALL),
    "mfcc": KerasCNNClassifier(**SMALL),
    "mel": KerasCNNClassifier(architecture="mel", **SMALL),
    "2d": KerasCNNClassifier(architecture="2d", aggregate="product", **SMALL),
    "residual": KerasCNNClassifier(architecture="residual", aggregate="vote", **SMALL),
    "lstm": KerasRNNClassifier(architecture_params={"units": (5, 4)}, **SMALL),
    "indrnn": KerasRNNClassifier(
        architecture="indrnn", architecture_params={"units": (5, 4)}, **SMALL
    ),
    "attention": KerasRNNClassifier(
        architecture="blstm-attention", architecture_params={"units": (4,)}, **SMALL
    ),
}


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("mfcc", "indrnn") else pytest.param(name, marks=pytest.mark.slow)
        for name in NETS
    ],
)
def test_nets(name, clips, tmp_path):
    pytest.importorskip("tf2onnx")
    X, y = clips
    transform = MelSpectrogramTransformer(n_mels=32, hop_length=1024, duration=1.5, n_segments=3)
    clf = make_pipeline(transform, SpectrogramScaler(), NETS[name]).fit(X, y)
    segments, song, _ = export_and_run(clf, tmp_path, X[5].reshape(3, -1))
    np.testing.assert_allclose(song, clf.predict_proba(X[5:6]), atol=1e-5)
    expected = clf[-1].predict_segment_proba(clf[:-1].transform(X[5:6]))[0]
    np.testing.assert_allclose(segments, expected, atol=1e-5)


def test_a_net_gives_the_same_bytes_again(clips, tmp_path, monkeypatch):
    pytest.importorskip("tf2onnx")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    X, y = clips
    transform = MelSpectrogramTransformer(n_mels=32, hop_length=1024, duration=1.5, n_segments=3)
    clf = make_pipeline(
        transform, KerasRNNClassifier(architecture_params={"units": (5, 4)}, **SMALL)
    )
    clf.fit(X[::3], y[::3])
    files = [tmp_path / f"{number}.onnx" for number in range(2)]
    for file in files:
        export_model(clf, file)
    assert len({file.read_bytes() for file in files}) == 1


def test_musicnn(clips, tmp_path):
    X, y = clips
    cut = {"sr": 16000, "duration": 4.0}
    X = np.tile(X, 2)[:, :64000]
    embed = FeatureUnion(
        [
            ("msd", OnnxEmbedder("musicnn-msd", outputs=("tags", "penultimate"), **cut)),
            ("mtt", OnnxEmbedder("musicnn-mtt", statistics=("mean", "max"), **cut)),
        ]
    )
    clf = make_pipeline(embed, StandardScaler(), LogisticRegression(C=0.01)).fit(X[::5], y[::5])
    _, song, features = export_and_run(clf, tmp_path, X[5:6])
    assert features.shape == (1, 1, 187, 96)
    np.testing.assert_allclose(song, clf.predict_proba(X[5:6]), atol=1e-4)


def test_segments_shorter_than_a_patch_are_repeated(clips, tmp_path):
    X, y = clips
    embed = OnnxEmbedder(sr=16000, duration=1.5, n_segments=2)
    X = X[:, :24000]
    clf = make_pipeline(embed, LINEAR)
    clf.fit(X[::5], y[::5])
    _, song, _ = export_and_run(clf, tmp_path, X[5].reshape(2, -1))
    np.testing.assert_allclose(song, clf.predict_proba(X[5:6]), atol=1e-4)
