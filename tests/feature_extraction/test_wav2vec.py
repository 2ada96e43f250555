import os
import shutil
import subprocess
import sys
from functools import partial

import joblib
import numpy as np
import pytest
import soundfile as sf
import soxr
from joblib import Parallel, delayed
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import AudioError, Wav2VecEmbedder

pytest.importorskip("torch")

FAMILIES = ["layer-norm", "group-norm", "hubert", "wavlm", "data2vec", "ast"]
SR = 16000
# what compares numbers exactly does not leave the precision to the machine
exact_embedder = partial(Wav2VecEmbedder, precision="float32")


@pytest.fixture(scope="module")
def clips():
    return np.random.RandomState(0).normal(scale=0.1, size=(5, 4000)).astype(np.float32)


@pytest.fixture
def embedder(checkpoints):
    return exact_embedder(checkpoint=checkpoints / "layer-norm", duration=0.25)


@pytest.fixture
def seen(monkeypatch):
    """List the shapes of what the model is given."""
    from skgenre._pretrained import _embedding

    frozen_model, shapes = _embedding.frozen_model, []

    def recording_model(checkpoint, device):
        model = frozen_model(checkpoint, device)

        def forward(input_values, **settings):
            shapes.append(tuple(input_values.shape))
            return model(input_values, **settings)

        forward.config = model.config
        return forward

    monkeypatch.setattr(_embedding, "frozen_model", recording_model)
    return shapes


def by_transformers(folder, y, layers):
    """Return mean and standard deviation of layers, one clip at a time, by transformers alone."""
    import torch
    from transformers import AutoFeatureExtractor, AutoModel

    extractor = AutoFeatureExtractor.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        inputs = extractor([y], sampling_rate=extractor.sampling_rate, return_tensors="pt")
        output = model(**inputs, output_hidden_states=True)
    states = [*output.hidden_states[:-1], output.last_hidden_state]
    frames = torch.cat([states[layer][0] for layer in layers], dim=1)
    return torch.cat([frames.mean(dim=0), frames.std(dim=0, correction=0)]).numpy()


@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_are_those_of_transformers(checkpoints, clips, family):
    folder = checkpoints / family
    embedder = exact_embedder(checkpoint=folder, layers=[0, -1], duration=0.25)
    expected = [by_transformers(folder, y, [0, -1]) for y in clips]
    assert_allclose(embedder.fit_transform(clips), expected, atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_clip_gives_the_same_alone_and_among_others(checkpoints, clips, family):
    embedder = exact_embedder(checkpoint=checkpoints / family, duration=None)
    lengths = [1, 2, 57, 400, 3999, 4000, 4000]
    mixed = [clips[i % 5][:length] for i, length in enumerate(lengths)]
    together = embedder.fit_transform(mixed)
    for clip, bag in zip(mixed, together, strict=True):
        assert bag.shape == (1, 32, 1)
        assert np.isfinite(bag).all()
        (alone,) = embedder.fit_transform([clip])
        assert_allclose(alone, bag, atol=1e-4)


def test_shapes_and_names(checkpoints, clips):
    folder = checkpoints / "layer-norm"
    table = Wav2VecEmbedder(
        checkpoint=folder, layers=[1, 2], statistics=("max", "median", "std"), duration=0.25
    )
    frame = table.set_output(transform="pandas").fit_transform(clips)
    assert frame.shape == (5, 3 * 2 * 16)
    assert list(frame.columns) == list(table.get_feature_names_out())
    assert frame.columns[[0, 17, 32, -1]].tolist() == [
        "layer1_0_max",
        "layer2_1_max",
        "layer1_0_median",
        "layer2_15_std",
    ]
    only_std = exact_embedder(checkpoint=folder, layers=2, statistics=["std"], duration=0.25)
    assert_allclose(frame.iloc[:, -16:], only_std.fit_transform(clips), atol=1e-5)

    bags = exact_embedder(checkpoint=folder, duration=0.25, n_segments=2).fit_transform(clips)
    assert bags.shape == (5, 2, 32, 1)
    ragged = exact_embedder(checkpoint=folder, duration=None, segment_duration=0.125)
    songs = ragged.fit_transform([clips[0], clips[1][:2100]])
    assert [song.shape for song in songs] == [(2, 32, 1), (1, 32, 1)]
    assert_allclose(songs[0], bags[0], atol=1e-5)
    assert not hasattr(ragged, "get_feature_names_out")


def test_layers_by_any_of_their_names(embedder, clips):
    every = embedder.set_params(layers="all").fit_transform(clips)
    assert every.shape == (5, 2 * 3 * 16)
    assert_array_equal(embedder.set_params(layers=[0, 1, 2]).fit_transform(clips), every)
    assert_array_equal(embedder.set_params(layers=np.array([-3, -2, 2])).transform(clips), every)


def test_batches_hold_segments_of_one_length_of_several_clips(checkpoints, clips, seen):
    params = {"checkpoint": checkpoints / "group-norm", "batch_size": 4}
    exact_embedder(**params, duration=0.25).fit_transform(clips)
    assert seen == [(4, 4000), (1, 4000)]
    seen.clear()
    exact_embedder(**params, duration=0.25, n_segments=5).fit_transform(clips[:2])
    assert sorted(seen) == [(2, 800), (2, 800), (3, 800), (3, 800)]
    seen.clear()
    lengths = [3000, 2000, 3000, 5]
    exact_embedder(**params, duration=None).fit_transform([clips[0][:n] for n in lengths])
    assert sorted(seen) == [(1, 45), (1, 2000), (2, 3000)]


def test_files_and_waveforms_come_at_the_rate_of_the_model(song_files, songs, checkpoints):
    paths, X = song_files[0][:3], songs[0][:3]
    folder = checkpoints / "24-khz"
    of_files = exact_embedder(checkpoint=folder, duration=1.5).fit_transform(paths)
    of_waveforms = exact_embedder(checkpoint=folder, duration=1.5, sr=22050).fit_transform(X)
    assert_allclose(of_files, of_waveforms, atol=1e-4)
    resampled = soxr.resample(X[0], 22050, 24000)
    assert_allclose(of_files[0], by_transformers(folder, resampled, [-1]), atol=1e-3)
    shortest = exact_embedder(checkpoint=folder, duration=None, sr=96000).fit_transform(
        [X[0][:1], X[1][:2]]
    )
    assert np.isfinite(np.concatenate(shortest)).all()


def test_a_long_file_is_read_in_parts(tmp_path, checkpoints, seen):
    y = np.random.RandomState(0).normal(scale=0.1, size=70 * 8000)
    sf.write(tmp_path / "long.wav", y, 8000)
    embedder = exact_embedder(
        checkpoint=checkpoints / "layer-norm",
        duration=None,
        segment_duration=1.0,
        batch_size=60,
    )
    (bag,) = embedder.fit_transform([tmp_path / "long.wav"])
    assert bag.shape == (70, 32, 1)
    assert seen == [(60, 16000), (10, 16000)]
    (whole,) = embedder.set_params(timeout=60).fit_transform([tmp_path / "long.wav"])
    assert_allclose(bag, whole, atol=1e-5)


def test_unreadable_clips(song_files, tmp_path, embedder):
    (tmp_path / "noise.mp3").write_bytes(b"no music")
    paths = [song_files[0][0], tmp_path / "noise.mp3", tmp_path / "none.wav", song_files[0][1]]
    with pytest.raises(AudioError, match=r"(?s)2 clips.*noise\.mp3.*none\.wav: no such file"):
        embedder.fit_transform(paths)
    for n_jobs in (None, 2):
        embedder.set_params(on_error="nan", n_jobs=n_jobs)
        with pytest.warns(UserWarning, match="2 of 4 clips"):
            table = embedder.fit_transform(paths)
        assert list(np.isnan(table).all(axis=1)) == [False, True, True, False]
        assert_allclose(table[[0, 3]], embedder.transform([paths[0], paths[3]]), atol=1e-5)


def test_cached_songs_are_not_computed_again(song_files, tmp_path, embedder, seen):
    paths = list(song_files[0][:5])
    expected = embedder.fit_transform(paths)
    seen.clear()
    cached = embedder.set_params(cache=tmp_path)
    assert_array_equal(cached.transform(paths[:2]), cached.transform(paths[:2]))
    assert_allclose(cached.transform(paths), expected, atol=1e-5)
    assert [shape[0] for shape in seen] == [2, 3]
    cached.set_params(batch_size=1, device="cpu", n_jobs=2, layers=[2]).transform(paths)
    assert len(seen) == 2
    cached.set_params(precision="bfloat16").transform(paths)
    assert len(seen) == 7
    bags = cached.set_params(precision="float32", duration=None, segment_duration=0.5)
    assert_array_equal(bags.transform(paths)[2], bags.transform(paths[2:3])[0])
    assert len(seen) == 7 + 3 * 5


def test_another_checkpoint_under_the_name_is_another_entry(
    song_files, tmp_path, checkpoints, embedder
):
    path = song_files[0][:1]
    folder = tmp_path / "checkpoint"
    shutil.copytree(checkpoints / "hubert", folder)
    embedder.set_params(checkpoint=folder, cache=tmp_path / "cache")
    before = embedder.fit_transform(path)
    shutil.copytree(checkpoints / "layer-norm", folder, dirs_exist_ok=True)
    after = embedder.fit_transform(path)
    assert not np.allclose(before, after, atol=1e-2)
    expected = embedder.set_params(checkpoint=checkpoints / "layer-norm").fit_transform(path)
    assert_allclose(after, expected, atol=1e-6)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_is_close(checkpoints, clips, precision):
    embedder = exact_embedder(checkpoint=checkpoints / "wide", duration=0.25)
    expected = embedder.fit_transform(clips)
    lower = embedder.set_params(precision=precision).fit_transform(clips)
    assert lower.dtype == np.float32
    assert not np.array_equal(lower, expected)
    assert_allclose(lower, expected, atol=0.05)


@pytest.fixture
def cpu_with_bfloat16(monkeypatch):
    """Let the CPU have bfloat16, and no model be checked yet."""
    import torch

    from skgenre._pretrained import _precision

    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(_precision, "_settled", {})
    return _precision


def test_auto_is_the_fastest_precision_that_is_right(checkpoints, clips, cpu_with_bfloat16):
    embedder = Wav2VecEmbedder(checkpoint=checkpoints / "wide", duration=0.25)
    by_itself = embedder.fit_transform(clips)
    expected = embedder.set_params(precision="bfloat16").fit_transform(clips)
    assert_array_equal(by_itself, expected)


@pytest.mark.parametrize("family", FAMILIES)
def test_auto_is_right_on_this_machine(checkpoints, clips, family):
    embedder = Wav2VecEmbedder(checkpoint=checkpoints / family, duration=0.25)
    by_itself = embedder.fit_transform(clips)
    expected = embedder.set_params(precision="float32").fit_transform(clips)
    assert_allclose(by_itself, expected, atol=0.2)


@pytest.mark.parametrize("difference", [0.3, np.nan])
def test_auto_is_float32_where_a_model_goes_wrong(
    checkpoints, clips, monkeypatch, cpu_with_bfloat16, difference
):
    asked = []
    monkeypatch.setattr(
        cpu_with_bfloat16, "_compare_with_float32", lambda *args: asked.append(args) or difference
    )
    embedder = Wav2VecEmbedder(checkpoint=checkpoints / "wide", duration=0.25)
    with pytest.warns(UserWarning, match=r"wide' is inaccurate in bfloat16.*is float32"):
        by_itself = embedder.fit_transform(clips)
    assert_array_equal(embedder.transform(clips), by_itself)
    assert len(asked) == 1
    expected = embedder.set_params(precision="float32").fit_transform(clips)
    assert_array_equal(by_itself, expected)


def test_cached_songs_of_auto_stand_apart(
    song_files, tmp_path, checkpoints, monkeypatch, cpu_with_bfloat16
):
    monkeypatch.setattr(cpu_with_bfloat16, "_compare_with_float32", lambda *args: 1.0)
    paths = list(song_files[0][:2])
    embedder = Wav2VecEmbedder(checkpoint=checkpoints / "wide", duration=0.25)
    expected = embedder.set_params(precision="bfloat16").fit_transform(paths)
    embedder.set_params(cache=tmp_path, precision="auto")
    with pytest.warns(UserWarning, match="is float32"):
        embedder.transform(paths)
    assert_array_equal(embedder.set_params(precision="bfloat16").transform(paths), expected)


@pytest.mark.parametrize(
    ("instructions", "expected"),
    [
        ((), "float32"),
        (("_is_avx512_bf16_supported",), "bfloat16"),
        (("_is_amx_tile_supported",), "bfloat16"),
    ],
)
def test_precision_suits_the_cpu(monkeypatch, instructions, expected):
    import torch

    from skgenre._pretrained._torch import find_device, find_precision

    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda name=name: name in instructions)
    assert find_precision("auto", find_device("cpu")) == expected
    assert find_precision("float16", find_device("cpu")) == "float16"
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "avx512_core")
    assert find_precision("auto", find_device("cpu")) == "float32"


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"layers": [0, 3]}, ValueError, r"layers=\[0, 3\] do not all exist.*to 2, its output"),
        ({"layers": [1, -2]}, ValueError, "names a layer twice"),
        ({"layers": [0.5]}, ValueError, "must be integers or 'all'"),
        ({"layers": "last"}, ValueError, "'layers' parameter"),
        ({"statistics": ["mode"]}, ValueError, r"statistics \['mode'\] are unknown"),
        ({"device": "tpu"}, ValueError, "device='tpu' is not there"),
        ({"batch_size": 0}, ValueError, "'batch_size' parameter"),
        ({"precision": "int8"}, ValueError, "'precision' parameter"),
    ],
)
def test_bad_parameters_are_named(embedder, clips, params, error, message):
    with pytest.raises(error, match=message):
        embedder.set_params(**params).fit_transform(clips)


def test_the_warning_of_published_filters_is_not_passed_on(tmp_path, checkpoints, clips):
    import transformers

    shutil.copytree(checkpoints / "ast", tmp_path / "ast")
    with pytest.warns(UserWarning, match="At least one mel filter"):
        extractor = transformers.ASTFeatureExtractor(max_length=64, num_mel_bins=128)
    extractor.save_pretrained(tmp_path / "ast")
    assert exact_embedder(checkpoint=tmp_path / "ast", duration=0.1).fit(clips)


def test_checkpoints_that_cannot_be_used_are_named(tmp_path, clips):
    (tmp_path / "nothing here").mkdir()
    with pytest.raises(OSError, match=r"nothing here' cannot be read.*local folder"):
        exact_embedder(checkpoint=tmp_path / "nothing here").fit(clips)


def test_missing_weights_are_drawn_and_named(tmp_path, checkpoints, clips):
    from skgenre._pretrained._embedding import frozen_model

    shutil.copytree(checkpoints / "group-norm", tmp_path / "half")
    shutil.copy(checkpoints / "ast" / "model.safetensors", tmp_path / "half")
    embedder = exact_embedder(checkpoint=tmp_path / "half", duration=0.1)
    found = []
    for _ in range(2):
        frozen_model.cache_clear()
        with pytest.warns(UserWarning, match=r"half' has no weights for .*they are random"):
            found.append(embedder.fit_transform(clips))
    assert_array_equal(*found)


MODELING = """
from transformers import Wav2Vec2Config, Wav2Vec2Model
class OwnConfig(Wav2Vec2Config):
    model_type = "own"
class OwnModel(Wav2Vec2Model):
    config_class = OwnConfig
"""


def test_code_of_a_checkpoint_is_run_only_if_trusted(tmp_path, checkpoints, clips, monkeypatch):
    folder = tmp_path / "own"
    shutil.copytree(checkpoints / "group-norm", folder)
    (folder / "modeling_own.py").write_text(MODELING)
    config = (folder / "config.json").read_text()
    config = config.replace('"model_type": "wav2vec2"', '"model_type": "own"')
    classes = '{"AutoConfig": "modeling_own.OwnConfig", "AutoModel": "modeling_own.OwnModel"}'
    (folder / "config.json").write_text(config.replace("{", f'{{"auto_map": {classes},', 1))
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "m"))
    embedder = exact_embedder(checkpoint=folder, duration=0.25)
    with pytest.raises(ValueError, match=r"own' needs code of its own.*trust_remote_code"):
        embedder.fit(clips)
    trusting = embedder.set_params(trust_remote_code=True)
    expected = exact_embedder(checkpoint=checkpoints / "group-norm", duration=0.25)
    assert_allclose(trusting.fit_transform(clips), expected.fit_transform(clips), atol=1e-6)


def test_no_memory_left_tells_what_to_change(embedder, clips, monkeypatch):
    import torch

    from skgenre._pretrained._family import Family

    def fail(*args):
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    monkeypatch.setattr(Family, "hidden_states", fail)
    with pytest.raises(MemoryError, match="lower batch_size"):
        embedder.fit_transform(clips)


def test_in_threads(song_files, checkpoints):
    paths = song_files[0][:4]
    embedder = exact_embedder(checkpoint=checkpoints / "layer-norm", duration=0.5).fit(paths)
    parts = Parallel(2, backend="threading")(
        delayed(embedder.transform)(paths[i : i + 2]) for i in (0, 2)
    )
    assert_allclose(np.concatenate(parts), embedder.transform(paths), atol=1e-5)


NO_NETWORK = """
import socket, sys, warnings
import joblib, numpy as np
def refuse(*args, **kwargs): raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
warnings.simplefilter("error")
warnings.simplefilter("ignore", DeprecationWarning)
embedder, X = joblib.load(sys.argv[1])
np.save(sys.argv[2], embedder.transform(X))
import huggingface_hub
assert huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY
"""


def test_silent_and_without_the_network_in_a_fresh_process(embedder, clips, tmp_path):
    expected = embedder.fit_transform(clips)
    joblib.dump((embedder, clips), tmp_path / "embedder.joblib")
    arguments = [tmp_path / "embedder.joblib", tmp_path / "table.npy"]
    done = subprocess.run(
        [sys.executable, "-c", NO_NETWORK, *arguments], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert_allclose(np.load(tmp_path / "table.npy"), expected, atol=1e-5)


FROM_THE_HUB = """
import sys
import numpy as np
from skgenre import Wav2VecEmbedder
X = np.random.RandomState(0).normal(size=(2, 1600))
embedder = Wav2VecEmbedder(checkpoint="someone/tiny", duration=0.1).fit(X)
print(embedder._feature_params()["checkpoint"][:2], embedder.transform(X).shape)
try:
    Wav2VecEmbedder().fit(X)
except OSError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_name_on_the_hub_is_one_commit_of_it(checkpoints, tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--someone--tiny"
    shutil.copytree(checkpoints / "layer-norm", repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    done = subprocess.run(
        [sys.executable, "-c", FROM_THE_HUB],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"},
    )
    found, missing = done.stdout.split("\n", 1)
    assert found == f"('someone/tiny', '{commit}') (2, 32)"
    assert "The checkpoint 'facebook/wav2vec2-xls-r-300m' cannot be found in the cache" in missing
