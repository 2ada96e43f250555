import io
import os
import pickle
import random
import shutil
import subprocess
import sys
import warnings
from contextlib import contextmanager

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from skgenre import AudioError, Wav2VecClassifier

pytest.importorskip("torch")

SR = 16000
FAMILIES = ["layer-norm", "group-norm", "hubert", "wavlm", "data2vec", "ast"]


@pytest.fixture(scope="module")
def music():
    """Sixteen songs of 0.2 s of two genres, low tones and high ones, with their artists."""
    rng = np.random.RandomState(0)
    y = np.repeat(["bass", "flute"], 8)
    pitch = np.where(y == "bass", 200, 3000) * rng.uniform(0.9, 1.1, size=16)
    time = np.arange(SR // 5) / SR
    X = np.sin(2 * np.pi * pitch[:, np.newaxis] * time) + rng.normal(scale=0.1, size=(16, SR // 5))
    return X.astype(np.float32), y, np.tile(np.arange(4), 4)


@pytest.fixture
def tiny(checkpoints):
    """Return a classifier of a tiny checkpoint, of a family, with parameters."""

    def make(family="layer-norm", **params):
        defaults = {
            "checkpoint": checkpoints / family,
            "segment_duration": 0.1,
            "hidden_layer_sizes": (8,),
            "epochs": 2,
            "learning_rate": 1e-2,
            # what compares numbers exactly does not leave the precision to the machine
            "precision": "float32",
            "random_state": 0,
        }
        return Wav2VecClassifier(**{**defaults, **params})

    return make


@pytest.fixture(scope="module")
def fitted(checkpoints, music):
    """Fit a classifier of tiny spectrograms; it must not be changed."""
    return Wav2VecClassifier(
        checkpoint=checkpoints / "ast",
        segment_duration=0.1,
        hidden_layer_sizes=(8,),
        epochs=12,
        learning_rate=1e-2,
        precision="float32",
        random_state=0,
    ).fit(*music[:2])


def test_learns_and_keeps_its_history(music, fitted):
    X, y, _ = music
    assert fitted.score(X, y) == 1
    history = fitted.history_
    assert set(history) == {"loss", "accuracy", "seconds", "step_loss", "step_learning_rate"}
    assert {len(history[name]) for name in ("loss", "accuracy", "seconds")} == {12}
    assert len(history["step_loss"]) == len(history["step_learning_rate"]) == 12 * 4
    assert history["loss"][-1] < history["loss"][0]
    assert_allclose(history["loss"][0], np.mean(history["step_loss"][:4]), rtol=1e-5)
    assert history["accuracy"][-1] == 1
    assert fitted.predict_proba(X).dtype == np.float32
    assert fitted.input_shape_ == (1, 1600)


def test_the_learning_rate_rises_and_falls(fitted):
    rates = fitted.history_["step_learning_rate"]
    peak = np.argmax(rates)
    assert peak in (4, 5)
    assert rates[peak] == pytest.approx(1e-2)
    assert_allclose(np.diff(rates[:5]), 1e-2 / 5)
    assert_allclose(np.diff(rates[5:]), -1e-2 / 43)


def test_songs_are_judged_by_the_mean_of_their_segments(music, fitted):
    X, _, _ = music
    segments = fitted.predict_segment_proba(X)
    assert [part.shape for part in segments] == [(2, 2)] * 16
    assert_allclose(fitted.predict_proba(X), [part.mean(axis=0) for part in segments], rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_gives_the_same_alone_and_among_others(tiny, music, family):
    X, y, _ = music
    clf = tiny(family, epochs=1, learning_rate=1e-3).fit([*X[:-1], X[-1][:-1]], y)
    lengths = [1, 2, 57, 399, 1600, 2399, 2400]
    songs = [X[i][:length] for i, length in enumerate(lengths)]
    together = clf.predict_segment_proba(songs)
    assert [len(part) for part in together] == [1, 1, 1, 1, 1, 1, 2]
    for song, part in zip(songs, together, strict=True):
        assert_allclose(clf.predict_segment_proba([song])[0], part, atol=1e-5)


def test_files_are_waveforms_at_the_rate_of_the_model(tiny, songs, song_files):
    X, y, groups = songs
    clf = tiny("24-khz", segment_duration=0.5, epochs=1, sr=22050)
    clf.fit(song_files[0], y, groups=groups)
    assert clf.input_shape_ == (1, 12000)
    assert not hasattr(clf, "n_features_in_")
    proba = clf.predict_proba(X[:4])
    assert_allclose(clf.predict_proba(song_files[0][:4]), proba, atol=1e-4)
    assert_allclose(clf.predict_proba(list(song_files[0][:4])[::-1])[::-1], proba, atol=1e-4)


def test_samples_with_their_rate_are_heard_as_files(tiny, songs, song_files):
    X, y, groups = songs
    clf = tiny("24-khz", segment_duration=0.5, epochs=1, sr=8000)
    clf.fit(song_files[0], y, groups=groups)
    integers = np.round(X[:3] * 2**15).astype(np.int16)
    clips = [(integers[0], 22050), {"array": X[1], "sampling_rate": 22050}, song_files[0][2]]
    assert_array_equal(clf.predict_proba(clips), clf.predict_proba(song_files[0][:3]))
    with pytest.raises(ValueError, match="X is empty"):
        clf.predict([])


def test_unreadable_songs(tiny, music, tmp_path):
    X, y, _ = music
    broken = X.copy()
    broken[0, 7] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        tiny("ast").fit(broken, y)
    clf = tiny("ast", on_error="nan")
    with pytest.warns(UserWarning, match="1 of 16 clips could not be read"):
        clf.fit(broken, y)
    with pytest.warns(UserWarning, match=r"none\.wav: no such file"):
        proba = clf.predict_proba([tmp_path / "none.wav", X[0]])
    assert_allclose(proba[0], [7 / 15, 8 / 15], rtol=1e-6)
    assert_allclose(proba[1], clf.predict_proba([X[0]])[0], atol=1e-5)
    with pytest.warns(UserWarning, match="1 of 2"):
        assert list(np.isnan(clf.transform([X[0], X[1] * np.nan])).all(axis=1)) == [False, True]
    with pytest.raises(AudioError, match="no such file"):
        tiny("ast").fit([tmp_path / "none.wav", X[0]], ["a", "b"])
    clf = tiny("ast", on_error="nan")
    with pytest.raises(ValueError, match="None of"), pytest.warns(UserWarning, match="2 of 2"):
        clf.fit([tmp_path / "none.wav"] * 2, ["a", "b"])


def test_refits_are_identical_and_leave_global_generators_alone(tiny, music):
    import torch

    X, y, _ = music

    def draw():
        return random.random(), np.random.uniform(), float(torch.rand(()))  # noqa: NPY002

    def seed():
        random.seed(1)
        np.random.seed(1)  # noqa: NPY002
        torch.manual_seed(1)

    seed()
    expected = draw()
    seed()
    # SpecAugment draws from NumPy, and masks here
    clf = tiny(segment_duration=0.2).fit(X, y)
    assert draw() == expected
    again = tiny(segment_duration=0.2).fit(X, y)
    assert_array_equal(clf.predict_proba(X), again.predict_proba(X))
    other = tiny(segment_duration=0.2, random_state=1).fit(X, y)
    assert not np.array_equal(clf.predict_proba(X), other.predict_proba(X))


def test_accumulated_gradients_are_those_of_one_batch(tiny, music):
    X, y, _ = music
    weight = np.linspace(0.5, 1.5, 16)
    at_once = tiny("ast", batch_size=8, dropout=0.0).fit(X, y, sample_weight=weight)
    in_parts = tiny("ast", batch_size=2, gradient_accumulation_steps=4, dropout=0.0)
    in_parts.fit(X, y, sample_weight=weight)
    assert_allclose(in_parts.history_["step_loss"], at_once.history_["step_loss"], rtol=1e-3)
    assert_allclose(in_parts.predict_proba(X), at_once.predict_proba(X), atol=1e-3)


def changed_weights(clf):
    """Return the names of the weights of the base that are not those of the checkpoint."""
    base = clf.model_.checkpoint.load().state_dict()
    return {
        name
        for name, values in clf.model_.base.state_dict().items()
        if not np.array_equal(values.numpy(), base[name].numpy())
    }


def test_frozen_parts_stay_as_they_are(tiny, music):
    X, y, _ = music
    assert not changed_weights(tiny(freeze_base=True).fit(X, y))
    changed = changed_weights(tiny().fit(X, y))
    assert not any(name.startswith("feature_extractor") for name in changed)
    assert any(name.startswith("encoder.layers.0") for name in changed)
    everything = changed_weights(tiny(freeze_feature_encoder=False).fit(X, y))
    assert any(name.startswith("feature_extractor") for name in everything)


def test_gradient_checkpointing_trains_the_same(tiny, music, monkeypatch):
    X, y, _ = music
    plain = tiny("ast", dropout=0.0).fit(X, y)
    from skgenre._pretrained import _training

    recompute, is_on = _training.recomputed_activations, []

    @contextmanager
    def watch(model):
        with recompute(model):
            is_on.append(
                any(getattr(part, "gradient_checkpointing", 0) for part in model.modules())
            )
            yield

    monkeypatch.setattr(_training, "recomputed_activations", watch)
    thrifty = tiny("ast", dropout=0.0, gradient_checkpointing=True).fit(X, y)
    assert is_on == [True]
    assert_allclose(thrifty.history_["loss"], plain.history_["loss"], rtol=1e-3)
    assert_allclose(thrifty.predict_proba(X), plain.predict_proba(X), atol=1e-3)


@pytest.mark.parametrize("pooling", ["mean", "max", "attention"])
def test_layers_and_pooling(tiny, music, pooling):
    X, y, _ = music
    clf = tiny("group-norm", layers="all", pooling=pooling, epochs=1).fit(X, y)
    assert len(clf.model_.layer_scores) == 3
    assert clf.model_.layer_scores.detach().abs().max() > 0
    copied = pickle.loads(pickle.dumps(clf))
    assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))


def test_embeddings_are_what_the_head_gets(music, fitted):
    X, _, _ = music
    # one song more, since rows of one length would be a table of another width
    one_segment = [*X[:, :1600], X[0]]
    embeddings = fitted.transform(one_segment)[:-1]
    assert embeddings.shape == (16, 8)
    assert embeddings.dtype == np.float32
    head = fitted.model_.head[-1]
    scores = np.exp(embeddings @ head.weight.detach().numpy().T + head.bias.detach().numpy())
    proba = fitted.predict_proba(one_segment)[:-1]
    assert_allclose(scores / scores.sum(axis=1, keepdims=True), proba, atol=1e-5)
    second = fitted.transform([*X[:, 1600:], X[0]])[:-1]
    assert_allclose(fitted.transform(X), (embeddings + second) / 2, atol=1e-5)
    names = ["wav2vecclassifier0", "wav2vecclassifier1"]
    assert list(fitted.get_feature_names_out()[:2]) == names


def test_n_segments_are_spread_over_the_song(music, fitted):
    X, _, _ = music
    song = np.concatenate(X[4:12])
    of_all = fitted.predict_segment_proba([X[0], song])[1]
    assert len(of_all) == 16
    few = pickle.loads(pickle.dumps(fitted)).set_params(n_segments=3)
    short, spread = few.predict_segment_proba([X[0], song])
    assert len(short) == 2
    assert_allclose(spread, of_all[[0, 8, 15]], atol=1e-5)


def test_early_stopping_takes_the_best_weights_of_other_artists(tiny, music):
    X, _, groups = music
    y = np.random.RandomState(0).permutation(music[1])
    clf = tiny("ast", epochs=12, early_stopping=True, validation_fraction=0.25, patience=2)
    clf.fit(X, y, groups=groups)
    losses = clf.history_["val_loss"]
    assert len(losses) < 12
    assert np.argmin(losses) == len(losses) - 3
    assert len(clf.history_["val_accuracy"]) == len(losses)
    codes = np.searchsorted(clf.classes_, y)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    train, held_out = clf._split(codes, groups, seed)
    assert not set(groups[train]) & set(groups[held_out])
    proba = np.concatenate(clf.predict_segment_proba(X[held_out]))
    best = -np.log(proba[np.arange(len(proba)), np.repeat(codes[held_out], 2)]).mean()
    assert_allclose(best, min(losses), rtol=1e-3)


def test_a_stopped_training_goes_on_as_if_it_had_not_been(tiny, music, tmp_path, monkeypatch):
    from skgenre._pretrained import _training

    X, y, _ = music
    params = {"epochs": 4, "validation_fraction": 0.25, "early_stopping": True, "patience": 4}
    expected = tiny(**params).fit(X, y)
    run_epoch = _training._Training.run_epoch
    epochs = []

    def stop_in_the_third(self, epoch):
        epochs.append(epoch)
        if epoch == 2 and epochs.count(2) == 1:
            raise KeyboardInterrupt
        run_epoch(self, epoch)

    monkeypatch.setattr(_training._Training, "run_epoch", stop_in_the_third)
    clf = tiny(checkpoint_dir=tmp_path / "training", **params)
    with pytest.raises(KeyboardInterrupt):
        clf.fit(X, y)
    assert len(os.listdir(tmp_path / "training")) == 1
    with pytest.warns(UserWarning, match="no stopped training of these songs and parameters"):
        clone(clf).fit(X[1:], y[1:])
    epochs.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        epochs.append(2)
        clf.fit(X, y)
    assert epochs == [2, 2, 3]
    assert os.listdir(tmp_path / "training") == []
    assert_array_equal(clf.predict_proba(X), expected.predict_proba(X))
    for name in ("loss", "val_loss", "step_loss", "step_learning_rate"):
        assert clf.history_[name] == expected.history_[name]


class RecordingUnpickler(pickle.Unpickler):
    """Notes the packages of which a pickle names functions or classes."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.packages = set()

    def find_class(self, module, name):
        self.packages.add(module.split(".")[0])
        return super().find_class(module, name)


PREDICT = """
import socket, sys
import joblib, numpy as np
def refuse(*args, **kwargs): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
clf, X = joblib.load(sys.argv[1])
np.save(sys.argv[2], clf.predict_proba(X))
"""


def test_a_fresh_process_needs_neither_checkpoint_nor_network(tiny, checkpoints, music, tmp_path):
    X, y, _ = music
    shutil.copytree(checkpoints / "wavlm", tmp_path / "checkpoint")
    clf = tiny(checkpoint=tmp_path / "checkpoint", layers=[1, 2]).fit(X, y)
    unpickler = RecordingUnpickler(pickle.dumps(clf))
    unpickler.load()
    assert unpickler.packages <= {"skgenre", "numpy", "pathlib", "builtins"}
    shutil.rmtree(tmp_path / "checkpoint")
    joblib.dump((clf, X), tmp_path / "clf.joblib")
    arguments = [tmp_path / "clf.joblib", tmp_path / "proba.npy"]
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, *arguments], check=True, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert_allclose(np.load(tmp_path / "proba.npy"), clf.predict_proba(X), atol=1e-6)
    mapped = joblib.load(tmp_path / "clf.joblib", mmap_mode="r")[0]
    assert_array_equal(mapped.predict_proba(X), clf.predict_proba(X))


@pytest.mark.parametrize("freeze_base", [True, False])
def test_a_pickle_without_the_base(tiny, checkpoints, music, tmp_path, freeze_base):
    X, y, _ = music
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoints / "layer-norm", folder)
    clf = tiny(checkpoint=folder, freeze_base=freeze_base).fit(X, y)
    whole = len(pickle.dumps(clf))
    data = pickle.dumps(clf.set_params(store_base_weights=False))
    n_left_out = sum(
        values.nelement()
        for name, values in clf.model_.state_dict().items()
        if name not in clf.model_.trained
    )
    assert n_left_out > 500
    assert whole - len(data) > 4 * n_left_out
    copied = pickle.loads(data)
    assert_array_equal(copied.predict_proba(X), clf.predict_proba(X))
    assert len(pickle.dumps(copied)) == len(data)
    shutil.copytree(checkpoints / "24-khz", folder, dirs_exist_ok=True)
    with pytest.raises(ValueError, match="has other weights than the one that was fine-tuned"):
        pickle.loads(data)
    shutil.rmtree(folder)
    with pytest.raises(OSError, match=r"checkpoint' cannot be"):
        pickle.loads(data)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_precision(music, tiny, precision):
    X, y, _ = music
    clf = tiny("ast", epochs=12, precision=precision).fit(X, y)
    assert {str(values.dtype) for values in clf.model_.state_dict().values()} == {"torch.float32"}
    assert clf.predict_proba(X).dtype == np.float32
    assert clf.score(X, y) > 0.9
    exact = clone(clf).set_params(precision="float32").fit(X, y)
    assert not np.array_equal(exact.predict_proba(X), clf.predict_proba(X))


def test_auto_is_float32_where_a_model_goes_wrong(music, tiny, monkeypatch):
    import torch

    from skgenre._pretrained import _precision

    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(_precision, "_settled", {})
    monkeypatch.setattr(_precision, "_compare_with_float32", lambda *args: 1.0)
    X, y, _ = music
    clf = tiny("ast", precision="auto")
    with pytest.warns(UserWarning, match=r"ast' is inaccurate.*is float32"):
        clf.fit(X, y)
    exact = clone(clf).set_params(precision="float32").fit(X, y)
    assert_array_equal(clf.predict_proba(X), exact.predict_proba(X))


def test_segments_too_short_for_spec_augment(tiny, music):
    X, y, _ = music
    clf = tiny(segment_duration=0.01).fit(X, y)
    assert np.isfinite(clf.history_["loss"]).all()
    assert len(clf.predict_segment_proba(X[:2])[0]) == 20


def test_no_memory_left_tells_what_to_change(tiny, music, monkeypatch):
    import torch

    from skgenre._pretrained._family import Family
    from skgenre._pretrained._net import GenreNet

    def fail(*args):
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    clf = tiny().fit(*music[:2])
    with monkeypatch.context() as patch:
        patch.setattr(GenreNet, "to", fail)
        with pytest.raises(MemoryError, match="halve batch_size"):
            tiny().fit(*music[:2])
    monkeypatch.setattr(Family, "hidden_states", fail)
    with pytest.raises(MemoryError, match=r"halve batch_size \(now 8\).*gradient_checkpointing"):
        tiny().fit(*music[:2])
    with pytest.raises(MemoryError, match="lower batch_size"):
        clf.predict(music[0])


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"learning_rate": 1e12, "epochs": 8}, FloatingPointError, "lower the learning_rate"),
        ({"checkpoint_dir": "here", "random_state": None}, ValueError, "int as random_state"),
        ({"hidden_layer_sizes": (8, 0)}, ValueError, "hidden_layer_sizes must be positive"),
        ({"layers": 5}, ValueError, "layers=5 do not all exist"),
        ({"pooling": "sum"}, ValueError, "'pooling' parameter"),
        (
            {"segment_duration": 1e-6},
            ValueError,
            "segment_duration=1e-06 is shorter than one sample",
        ),
        ({"checkpoint": "/nowhere/at/all"}, OSError, "'/nowhere/at/all' cannot be"),
    ],
)
def test_bad_parameters_are_named(tiny, music, params, error, message):
    with pytest.raises(error, match=message):
        tiny(**params).fit(*music[:2])


def test_segments_are_no_longer_than_a_spectrogram_model_takes(tiny, music):
    X, y, _ = music
    songs = [np.tile(song, 7) for song in X]
    clf = tiny("ast", segment_duration=5.0, epochs=1).fit(songs, y)
    assert clf.input_shape_ == (1, 10480)
    long = clf.predict_segment_proba(songs)
    # 1.4 s in segments of 0.655 s: what is left is shorter than half of one
    assert {len(part) for part in long} == {2}
    of_the_longest = clone(clf).set_params(segment_duration=0.655).fit(songs, y)
    assert_array_equal(clf.predict_proba(songs), of_the_longest.predict_proba(songs))
    clf.set_params(segment_duration=0.35)
    assert {len(part) for part in clf.predict_segment_proba(songs)} == {4}


def test_songs_are_read_side_by_side(tiny, music, monkeypatch):
    from skgenre.feature_extraction import _batched

    run_parallel, n_jobs = _batched.run_parallel, []

    def note(calls, **settings):
        n_jobs.append(settings["n_jobs"])
        return run_parallel(calls, **settings)

    monkeypatch.setattr(_batched, "run_parallel", note)
    clf = tiny(epochs=1, n_jobs=2, n_segments=3).fit(*music[:2])
    assert n_jobs == [2]
    alone = clf.predict_proba(music[0])
    assert_allclose(clf.set_params(n_jobs=1).predict_proba(music[0]), alone, atol=1e-6)


def test_layers_of_a_search(tiny, music):
    search = GridSearchCV(tiny(epochs=1), {"layers": np.arange(1, 3)}, cv=2, n_jobs=1)
    assert search.fit(*music[:2]).best_params_["layers"] in (1, 2)


def test_one_class_is_refused(tiny, music):
    with pytest.raises(ValueError, match="only one class: 'bass'"):
        tiny("ast").fit(music[0][:4], music[1][:4])


def test_class_weight(tiny, music):
    X, y, _ = music
    rare = np.r_[0:8, 8:10]
    noise = np.random.RandomState(0).normal(size=X.shape).astype(np.float32)
    plain = tiny("ast", epochs=6).fit(noise[rare], y[rare])
    balanced = tiny("ast", epochs=6, class_weight="balanced").fit(noise[rare], y[rare])
    difference = balanced.predict_proba(noise)[:, 1] - plain.predict_proba(noise)[:, 1]
    assert difference.mean() > 0.1


def test_cross_validation(tiny, music):
    X, y, _ = music
    clf = tiny("ast", epochs=12)
    assert cross_val_score(clf, X, y, cv=StratifiedKFold(2)).min() > 0.8


def test_progress_bar_only_if_verbose(tiny, music, capfd):
    tiny("ast").fit(*music[:2]).predict(music[0])
    assert capfd.readouterr() == ("", "")
    tiny("ast", verbose=1).fit(*music[:2])
    shown = capfd.readouterr().err
    assert "8/8" in shown
    assert "loss" in shown


BOTH = """
import sys
import numpy as np
from skgenre import KerasANNClassifier, Wav2VecEmbedder
X = np.random.RandomState(0).normal(size=(8, 1600)).astype(np.float32)
steps = [
    lambda: KerasANNClassifier((4,), epochs=1).fit(X[:, :3], X[:, 0] > 0).predict(X[:, :3]),
    lambda: Wav2VecEmbedder(checkpoint=sys.argv[1], duration=0.1).fit_transform(X),
]
for step in steps[:: int(sys.argv[2])]:
    step()
assert "tensorflow" in sys.modules and "torch" in sys.modules
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", ["1", "-1"])
def test_torch_and_tensorflow_in_one_process(checkpoints, order):
    arguments = [str(checkpoints / "ast"), order]
    done = subprocess.run(
        [sys.executable, "-c", BOTH, *arguments], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.skipif("SKGENRE_XLSR" not in os.environ, reason="SKGENRE_XLSR is unset")
def test_the_architecture_of_xls_r_takes_two_steps(tmp_path):
    """Random weights, 300 million of them: it takes 10 GB of memory and some minutes."""
    import transformers

    config = transformers.Wav2Vec2Config(
        hidden_size=1024,
        num_hidden_layers=24,
        num_attention_heads=16,
        intermediate_size=4096,
        feat_extract_norm="layer",
        do_stable_layer_norm=True,
        conv_bias=True,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(tmp_path)
    X = np.random.RandomState(0).normal(size=(4, 5 * SR)).astype(np.float32)
    clf = Wav2VecClassifier(
        checkpoint=tmp_path, batch_size=1, gradient_accumulation_steps=2, epochs=1, random_state=0
    ).fit(X, ["blues", "rock"] * 2)
    assert len(clf.history_["step_loss"]) == 2
    assert np.isfinite(clf.history_["step_loss"]).all()
    assert clf.predict_proba(X).shape == (4, 2)
