"""The families of encoders, fine-tuned."""

import pickle
import shutil
import subprocess
import sys

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import Wav2VecClassifier

pytest.importorskip("torch")

SR = 16000
# each with its convolutions before the transformer, where it has any
FAMILIES = {
    "conformer": "feature_extractor",
    "adapted": "feature_extractor",
    "unispeech": "feature_extractor",
    "unispeech-sat": "feature_extractor",
    "sew": "feature_extractor",
    "sew-d": "feature_extractor",
    "wav2vec2-bert": None,
    "clap": None,
    "clap-fused": None,
    "clap-audio": None,
    "whisper": "conv",
    "speech-to-text": "conv",
    "moonshine": "conv",
    "encodec": None,
    "encodec-stereo": None,
    "dac": None,
}
WITHOUT_GRADIENT_CHECKPOINTING = {
    "clap",
    "clap-fused",
    "clap-audio",
    "encodec",
    "encodec-stereo",
    "dac",
}


@pytest.fixture(scope="module")
def music():
    """Eight songs of 0.3 s of two genres, low tones and high ones."""
    rng = np.random.RandomState(0)
    y = np.repeat(["bass", "flute"], 4)
    pitch = np.where(y == "bass", 200, 3000) * rng.uniform(0.9, 1.1, size=8)
    time = np.arange(4800) / SR
    X = np.sin(2 * np.pi * pitch[:, np.newaxis] * time) + rng.normal(scale=0.1, size=(8, 4800))
    return X.astype(np.float32), y


@pytest.fixture
def tiny(families):
    """Return a classifier of a tiny checkpoint, of a family, with parameters."""

    def make(family, **params):
        defaults = {
            "checkpoint": families / family,
            "segment_duration": 0.15,
            "hidden_layer_sizes": (8,),
            "epochs": 1,
            "learning_rate": 1e-2,
            # what compares numbers exactly does not leave the precision to the machine
            "precision": "float32",
            "random_state": 0,
        }
        return Wav2VecClassifier(**{**defaults, **params})

    return make


def changed_weights(clf):
    """Return the names of the parameters of the base that are not those of the checkpoint."""
    before = dict(clf.model_.checkpoint.load().named_parameters())
    return {
        name
        for name, values in clf.model_.base.named_parameters()
        if not np.array_equal(values.detach().numpy(), before[name].detach().numpy())
    }


@pytest.mark.parametrize("family", FAMILIES)
def test_trains_all_but_the_convolutions_before_the_transformer(tiny, music, family):
    X, y = music
    # one shorter song, since rows of one length would be a table of that width
    songs = [*X[:-1], X[-1][:-1]]
    clf = tiny(family).fit(songs, y)
    changed = changed_weights(clf)
    assert changed
    assert not any("embed_positions" in name for name in changed)
    start = FAMILIES[family]
    if start is not None:
        assert not any(name.startswith(start) for name in changed)
        everything = changed_weights(tiny(family, freeze_feature_encoder=False).fit(songs, y))
        assert any(name.startswith(start) for name in everything)
        assert everything > changed
    lengths = [1, 57, 2399, 2400, 4800]
    songs = [X[i][:length] for i, length in enumerate(lengths)]
    together = clf.predict_segment_proba(songs)
    assert [len(part) for part in together] == [1, 1, 1, 1, 2]
    for song, part in zip(songs, together, strict=True):
        assert_allclose(clf.predict_segment_proba([song])[0], part, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_pickles_with_all_weights_and_with_those_of_the_head(tiny, music, families, family):
    X, y = music
    clf = tiny(family, freeze_base=True).fit(X, y)
    assert not changed_weights(clf)
    proba = clf.predict_proba(X)
    whole = pickle.dumps(clf)
    assert_array_equal(pickle.loads(whole).predict_proba(X), proba)
    head = pickle.dumps(clf.set_params(store_base_weights=False))
    assert len(head) < len(whole) - 4000
    assert_array_equal(pickle.loads(head).predict_proba(X), proba)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradient_checkpointing(tiny, music, capfd, family):
    X, y = music
    thrifty = tiny(family, gradient_checkpointing=True, dropout=0.0)
    if family in WITHOUT_GRADIENT_CHECKPOINTING:
        with pytest.raises(ValueError, match=rf"transformers does not have it for.*{family}"):
            thrifty.fit(X, y)
        return
    thrifty.fit(X, y)
    assert capfd.readouterr() == ("", "")
    plain = tiny(family, dropout=0.0).fit(X, y)
    assert_allclose(thrifty.history_["loss"], plain.history_["loss"], rtol=1e-3)
    # the Conformer normalises by batches, and counts each of them twice
    tolerance = 0.05 if family == "conformer" else 1e-3
    assert_allclose(thrifty.predict_proba(X), plain.predict_proba(X), atol=tolerance)


@pytest.mark.parametrize("family", ["clap", "whisper", "encodec", "wav2vec2-bert"])
def test_learns(tiny, music, family):
    X, y = music
    clf = tiny(family, epochs=12, pooling="max").fit(X, y)
    assert clf.history_["loss"][-1] < clf.history_["loss"][0]
    assert clf.score(X, y) == 1


@pytest.mark.parametrize("family", ["clap", "whisper", "moonshine", "encodec"])
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    tiny, music, tmp_path, monkeypatch, family
):
    from skgenre._pretrained import _training

    X, y = music
    expected = tiny(family, epochs=3).fit(X, y)
    run_epoch = _training._Training.run_epoch

    def stop_in_the_second(self, epoch):
        if epoch == 1:
            raise KeyboardInterrupt
        run_epoch(self, epoch)

    clf = tiny(family, epochs=3, checkpoint_dir=tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(_training._Training, "run_epoch", stop_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            clf.fit(X, y)
    clf.fit(X, y)
    assert clf.history_["step_loss"] == expected.history_["step_loss"]
    assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize("family", ["sew", "whisper", "speech-to-text", "moonshine"])
def test_layers_are_averaged(tiny, music, family):
    X, y = music
    clf = tiny(family, layers="all", epochs=3, pooling="attention").fit(X, y)
    assert clf.model_.layer_scores.detach().abs().max() > 0
    assert np.isfinite(clf.history_["loss"]).all()


def test_the_projection_of_clap(tiny, music):
    X, y = music
    clf = tiny("clap", layers="projection", hidden_layer_sizes=(), epochs=20, learning_rate=0.05)
    assert clf.fit(X, y).transform(X).shape == (8, 12)
    assert clf.score(X, y) == 1
    assert any(name.startswith("audio_projection") for name in changed_weights(clf))


@pytest.mark.parametrize("family", ["clap", "speech-to-text", "wav2vec2-bert"])
def test_silence_among_the_songs(tiny, music, family):
    X, y = music
    silent = np.where(np.arange(8)[:, np.newaxis] % 4, X, 0).astype(np.float32)
    assert np.isfinite(tiny(family).fit(silent, y).predict_proba(silent)).all()


@pytest.mark.parametrize(
    ("family", "layers"),
    [
        ("clap", "all"),
        ("clap", [0, 1]),
        ("clap", [-1, "projection"]),
        ("adapted", "all"),
        ("adapted-16", "all"),
        ("adapted-16", [0, 2]),
    ],
)
def test_layers_that_cannot_be_averaged(tiny, music, family, layers):
    with pytest.raises(
        ValueError, match=rf"{family}' cannot be averaged.*choose others, or a single one"
    ):
        tiny(family, layers=layers).fit(*music)


def test_layers_before_an_adapter_are_averaged(tiny, music):
    clf = tiny("adapted", layers=[0, 1]).fit(*music)
    assert len(clf.model_.layer_scores) == 2


@pytest.mark.parametrize(("family", "n_samples"), [("clap", 16000), ("encodec-stereo", 12000)])
def test_segments_are_no_longer_than_the_longest_input(tiny, music, family, n_samples):
    X, y = music
    sr = SR if family == "clap" else 48000
    clf = tiny(family, segment_duration=30.0, sr=sr).fit(np.tile(X, 5), y)
    assert clf.input_shape_ == (1, n_samples)
    assert len(clf.predict_segment_proba(np.tile(X, 5))[0]) == 2


PREDICT = """
import socket, sys
import joblib, numpy as np
def refuse(*args, **kwargs): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
classifiers, X = joblib.load(sys.argv[1])
np.save(sys.argv[2], [clf.predict_proba(X) for clf in classifiers])
"""


@pytest.mark.slow
def test_a_fresh_process_needs_neither_checkpoints_nor_network(families, tiny, music, tmp_path):
    X, y = music
    shutil.copytree(families, tmp_path / "families")
    classifiers = [
        tiny(family, checkpoint=tmp_path / "families" / family).fit(X, y) for family in FAMILIES
    ]
    expected = [clf.predict_proba(X) for clf in classifiers]
    joblib.dump((classifiers, X), tmp_path / "classifiers.joblib")
    shutil.rmtree(tmp_path / "families")
    arguments = [tmp_path / "classifiers.joblib", tmp_path / "proba.npy"]
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, *arguments], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert_allclose(np.load(tmp_path / "proba.npy"), expected, atol=1e-6)
