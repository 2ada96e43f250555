import pickle
import subprocess
import sys

import joblib
import librosa
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skgenre import AudioError, MelSpectrogramTransformer, OnnxEmbedder

onnx = pytest.importorskip("onnx")

SR = 16000
# names and shapes of the outputs of Essentia's Discogs-EffNet
DISCOGS = {"activations": 400, "embeddings": 1280}


@pytest.fixture(scope="module")
def clips():
    return np.random.RandomState(0).normal(scale=0.1, size=(3, 7 * SR)).astype(np.float32)


@pytest.fixture
def wave_net(tmp_path, save_net):
    """Return the path of a net that takes four samples at 16 kHz, and its matrix."""
    path = tmp_path / "waves.onnx"
    metadata = {"frontend": "waveform", "sample_rate": "16000"}
    matrices = save_net(path, [4], {"tags": 2}, metadata=metadata)
    return path, matrices["tags"]


def by_librosa(y, n_frames):
    """Return the patches that musicnn takes, (n_patches, n_frames, 96)."""
    mel = librosa.feature.melspectrogram(y=y, sr=SR, n_fft=512, hop_length=256, n_mels=96)
    frames = np.log10(1 + 10000 * mel).T
    n_patches = len(frames) // n_frames
    return frames[: n_patches * n_frames].reshape(n_patches, n_frames, 96).astype(np.float32)


OUTPUTS = {"tags": 50, "logits": 50, "penultimate": 200, "mean_pool": 753, "max_pool": 753}


@pytest.mark.parametrize("model", ["musicnn-msd", "musicnn-mtt"])
def test_musicnn_hears_what_librosa_computes(clips, model):
    import onnxruntime

    from skgenre._onnx._net import open_net

    embedder = OnnxEmbedder(model, outputs=list(OUTPUTS), sr=SR, duration=7.0)
    session = onnxruntime.InferenceSession(open_net(model).data)
    expected = []
    for y in clips:
        patches = by_librosa(y, 187)
        assert len(patches) == 2
        answers = session.run(list(OUTPUTS), {"melspectrogram": patches})
        assert [values.shape[1] for values in answers] == list(OUTPUTS.values())
        expected.append(np.concatenate(answers, axis=1).mean(axis=0))
    assert_allclose(embedder.fit_transform(clips), expected, rtol=1e-3, atol=1e-3)


def test_tags_have_names(clips):
    embedder = OnnxEmbedder(outputs=["tags", "penultimate"], statistics=["max", "mean"], sr=SR)
    embedder.set_params(duration=7.0).set_output(transform="pandas")
    frame = embedder.fit_transform(clips)
    assert frame.shape == (3, 2 * 250)
    columns = list(frame.columns)
    assert columns == list(embedder.get_feature_names_out())
    assert columns[0] == "tags_rock_max"
    assert columns[50] == "penultimate_0_max"
    assert columns[250 + 9] == "tags_jazz_mean"
    tags = frame.filter(regex="^tags_")
    assert tags.min(axis=None) > 0
    assert tags.max(axis=None) < 1
    assert (frame["tags_rock_max"] > frame["tags_rock_mean"]).all()


def test_tags_of_magnatagatune(clips):
    embedder = OnnxEmbedder("musicnn-mtt", sr=SR, duration=7.0)
    tags = ["guitar", "violin", "choral"]
    columns = embedder.set_output(transform="pandas").fit_transform(clips).columns
    assert list(columns[[0, 12, -1]]) == [f"tags_{tag}_mean" for tag in tags]
    assert len(pickle.dumps(embedder)) < 1000


def test_silence_and_songs_differ(songs):
    X = np.concatenate([songs[0][:4], np.zeros_like(songs[0][:1])])
    tags = OnnxEmbedder(duration=1.5).fit_transform(X)
    assert np.isfinite(tags).all()
    assert len(np.unique(tags.round(4), axis=0)) == 5


@pytest.mark.parametrize("batch", [64, "batch"])
def test_discogs_nets_work_from_their_file_alone(tmp_path, save_net, clips, batch):
    path = tmp_path / "discogs-effnet.onnx"
    matrices = save_net(path, [128, 96], DISCOGS, batch=batch)
    embedder = OnnxEmbedder(path, outputs=["embeddings"], sr=SR, duration=7.0)
    found = embedder.fit_transform(clips)
    assert found.shape == (3, 1280)
    for y, row in zip(clips, found, strict=True):
        patches = by_librosa(y, 128)
        assert len(patches) == 3
        expected = patches.mean(axis=1) @ matrices["embeddings"]
        assert_allclose(row, expected.mean(axis=0), rtol=1e-3, atol=1e-3)
    assert embedder.get_feature_names_out()[-1] == "embeddings_1279_mean"
    both = embedder.set_params(outputs=["embeddings", "activations"]).fit_transform(clips)
    assert_array_equal(both[:, :1280], found)


@pytest.mark.parametrize("batch", [3, "batch"])
def test_patches_lie_side_by_side(wave_net, save_net, batch):
    path, matrix = wave_net
    save_net(path, [4], {"tags": 2}, batch=batch, metadata={"frontend": "waveform"})
    embedder = OnnxEmbedder(path, statistics=["mean", "min"], sr=SR, duration=None)
    lengths = [4, 5, 8, 11, 41, 1, 3]
    clips = [np.arange(1, n + 1, dtype=np.float32) / 50 for n in lengths]
    for clip, (row,) in zip(clips, embedder.fit_transform(clips), strict=True):
        whole = np.resize(clip, max(len(clip), 4))
        patches = whole[: len(whole) // 4 * 4].reshape(-1, 4) @ matrix
        expected = np.concatenate([patches.mean(axis=0), patches.min(axis=0)])
        assert_allclose(row[:, 0], expected, rtol=1e-5)


def test_a_clip_gives_the_same_alone_and_among_others(clips):
    embedder = OnnxEmbedder(sr=SR, duration=None, batch_size=3)
    mixed = [clips[0][:n] for n in (1, 2, 700, 40000, 60000, 60000, 100000)]
    together = embedder.fit_transform(mixed)
    for clip, bag in zip(mixed, together, strict=True):
        assert bag.shape == (1, 50, 1)
        assert_allclose(embedder.transform([clip])[0], bag, atol=1e-5)
    in_threads = embedder.set_params(n_jobs=2).transform(mixed)
    for bag, again in zip(together, in_threads, strict=True):
        assert_allclose(again, bag, atol=1e-5)


def test_segments(wave_net):
    path, matrix = wave_net
    clip = np.arange(24, dtype=np.float32) / 24
    patches = clip.reshape(6, 4) @ matrix
    bags = OnnxEmbedder(path, sr=SR, duration=24 / SR, n_segments=2).fit_transform([clip])
    assert bags.shape == (1, 2, 2, 1)
    expected = [patches[:3].mean(axis=0), patches[3:].mean(axis=0)]
    assert_allclose(bags[0, :, :, 0], expected, rtol=1e-5)
    ragged = OnnxEmbedder(path, sr=SR, duration=None, segment_duration=8 / SR)
    (bag,) = ragged.fit_transform([clip])
    assert_allclose(bag[..., 0], patches.reshape(3, 2, 2).mean(axis=1), rtol=1e-5)


def test_a_file_is_its_samples_with_their_rate(song_files, songs):
    of_files = OnnxEmbedder(duration=1.5).fit_transform(song_files[0][:3])
    assert_allclose(OnnxEmbedder(duration=1.5).fit_transform(songs[0][:3]), of_files, atol=1e-4)


@pytest.mark.parametrize("shape", [[12, 30], [30, 12], [1, 12, 30], [1, 30, 12], [30, 1, 12]])
def test_spectrograms_of_a_transformer(tmp_path, save_net, songs, shape):
    has_bands_last = shape[-1] == 12
    matrix = save_net(tmp_path / "mel.onnx", shape, {"tags": 2})["tags"]
    mel = MelSpectrogramTransformer(sr=8000, n_fft=256, hop_length=100, n_mels=12, duration=1.0)
    X = [librosa.resample(y, orig_sr=22050, target_sr=8000)[:8000] for y in songs[0][:2]]
    embedder = OnnxEmbedder(tmp_path / "mel.onnx", frontend=mel, sr=8000, duration=1.0)
    found = embedder.fit_transform(X)
    for row, spectrogram in zip(found, mel.fit_transform(X), strict=True):
        patches = spectrogram[:, :60].reshape(12, 2, 30)
        means = patches.mean(axis=(1, 2)) if has_bands_last else patches.mean(axis=(0, 1))
        assert_allclose(row, means @ matrix, rtol=1e-3, atol=1e-3)


def test_a_net_of_any_length_hears_the_whole_segment(tmp_path, save_net, clips):
    matrix = save_net(tmp_path / "any.onnx", ["frames", 96], {"tags": 2})["tags"]
    found = OnnxEmbedder(tmp_path / "any.onnx", sr=SR, duration=7.0).fit_transform(clips)
    frames = by_librosa(clips[0], 1)[:, 0]
    assert_allclose(found[0], frames.mean(axis=0) @ matrix, rtol=1e-3)


def test_unreadable_clips(song_files, tmp_path, wave_net):
    (tmp_path / "noise.mp3").write_bytes(b"no music")
    paths = [song_files[0][0], tmp_path / "noise.mp3", tmp_path / "none.wav"]
    embedder = OnnxEmbedder(wave_net[0], duration=0.5)
    with pytest.raises(AudioError, match=r"(?s)2 clips.*noise\.mp3.*none\.wav: no such file"):
        embedder.fit_transform(paths)
    with pytest.warns(UserWarning, match="2 of 3 clips"):
        table = embedder.set_params(on_error="nan").fit_transform(paths)
    assert list(np.isnan(table).all(axis=1)) == [False, True, True]


def test_cached_songs_are_not_computed_again(song_files, tmp_path, wave_net, save_net, monkeypatch):
    from skgenre._onnx._net import Net

    compute, n_calls = Net.compute, []
    monkeypatch.setattr(Net, "compute", lambda *args: n_calls.append(1) or compute(*args))
    path, paths = wave_net[0], song_files[0][:3]
    embedder = OnnxEmbedder(path, cache=tmp_path / "cache", duration=0.5, batch_size=1)
    first = embedder.fit_transform(paths)
    assert len(n_calls) == 3
    assert_array_equal(embedder.set_params(batch_size=4, n_jobs=2).transform(paths), first)
    assert len(n_calls) == 3
    # another net under the same name
    save_net(path, [8], {"tags": 2}, metadata={"frontend": "waveform"})
    assert not np.allclose(embedder.transform(paths), first)


def test_pickles(tmp_path, wave_net, save_net, clips):
    bundled = OnnxEmbedder(sr=SR)
    assert len(pickle.dumps(bundled)) < 1000
    path = wave_net[0]
    params = {"model": path, "sr": SR, "duration": 0.1}
    by_path, whole = OnnxEmbedder(**params), OnnxEmbedder(**params, store_model=True)
    expected = by_path.fit_transform(clips)
    data, whole_data = pickle.dumps(by_path), pickle.dumps(whole)
    assert_array_equal(pickle.loads(data).transform(clips), expected)
    save_net(path, [8], {"tags": 2}, metadata={"frontend": "waveform"})
    with pytest.raises(ValueError, match=r"waves\.onnx is not the net.*store_model=True"):
        pickle.loads(data).transform(clips)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"waves\.onnx' is neither a bundled net"):
        pickle.loads(data).transform(clips)
    again = pickle.loads(pickle.dumps(pickle.loads(whole_data)))
    assert_array_equal(again.transform(clips), expected)


SILENT = """
import sys, warnings
import joblib, numpy as np
warnings.simplefilter("error")
warnings.simplefilter("ignore", DeprecationWarning)
embedder, X = joblib.load(sys.argv[1])
np.save(sys.argv[2], embedder.transform(X))
assert not {"tensorflow", "torch", "onnx", "librosa", "numba"} & set(sys.modules)
"""


def test_silent_and_light_in_a_fresh_process(clips, tmp_path):
    embedder = OnnxEmbedder(sr=SR, duration=3.5)
    expected = embedder.fit_transform(clips)
    joblib.dump((embedder, clips), tmp_path / "e.joblib")
    command = [sys.executable, "-c", SILENT, tmp_path / "e.joblib", tmp_path / "out.npy"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-6)


def point_outside(place):
    """Return a change of a model that moves its first matrix to another file."""

    def change(model):
        matrix = model.graph.initializer[-1]
        matrix.ClearField("raw_data")
        matrix.data_location = onnx.TensorProto.EXTERNAL
        matrix.external_data.add(key="location", value=place)

    return change


def hide_outside(model):
    """Put a tensor that lies in another file into an attribute of a node inside a branch."""
    helper = onnx.helper
    tensor = onnx.numpy_helper.from_array(np.ones(2, dtype=np.float32), "t")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    constant = helper.make_node("Constant", [], ["c"], value=tensor)
    branch = helper.make_graph([constant], "branch", [], [])
    model.graph.node.append(helper.make_node("If", ["x"], ["y"], then_branch=branch))


def call_custom(model):
    model.graph.node.append(onnx.helper.make_node("Run", ["mean"], ["x"], domain="evil"))


def add_input(model):
    value = onnx.helper.make_tensor_value_info("second", onnx.TensorProto.FLOAT, [1])
    model.graph.input.append(value)


def take_integers(model):
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64


def give_images(model):
    helper = onnx.helper
    axis = onnx.numpy_helper.from_array(np.array([2]), "last")
    model.graph.initializer.append(axis)
    model.graph.node.append(helper.make_node("Unsqueeze", ["tags", "last"], ["image"]))
    del model.graph.output[:]
    value = helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 2, 1])
    model.graph.output.append(value)


def fill_memory(model):
    shape = onnx.numpy_helper.from_array(np.array([10**6, 10**6]), "shape")
    model.graph.initializer.append(shape)
    helper = onnx.helper
    large = helper.make_node("ConstantOfShape", ["shape"], ["large"])
    total = helper.make_node("ReduceSum", ["large"], ["total"], keepdims=0)
    model.graph.node[-1].output[0] = "product"
    add = helper.make_node("Add", ["product", "total"], ["tags"])
    model.graph.node.extend([large, total, add])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (point_outside("/etc/passwd"), r"its weights lie in other files \(/etc/passwd\)"),
        (point_outside("../weights.bin"), r"its weights lie in other files \(\.\./weights\.bin\)"),
        (hide_outside, "its weights lie in other files"),
        (call_custom, "onnxruntime says: .*evil"),
        (add_input, r"it has 2 inputs \(input, second\) where one is needed"),
        (take_integers, r"onnxruntime says|its input is tensor\(int64\)"),
        (give_images, "none of its outputs is a table of floats of a known width"),
        (fill_memory, "its values take more than 4 GiB"),
    ],
)
def test_hostile_nets_are_named(tmp_path, save_net, clips, capfd, change, message):
    metadata = {"frontend": "waveform"}
    save_net(tmp_path / "evil.onnx", [4], {"tags": 2}, metadata=metadata, change=change)
    embedder = OnnxEmbedder(tmp_path / "evil.onnx", sr=SR, duration=0.1)
    with pytest.raises(ValueError, match=rf"evil\.onnx: {message}"):
        embedder.fit_transform(clips)
    assert capfd.readouterr().err == ""


def test_patches_beyond_all_memory_are_refused(tmp_path, save_net, clips):
    save_net(tmp_path / "vast.onnx", [10**9, 96], {"tags": 2})
    with pytest.raises(ValueError, match=r"vast\.onnx: its input has the shape .*more than 1 GiB"):
        OnnxEmbedder(tmp_path / "vast.onnx").fit(clips)


@pytest.mark.parametrize("kept", [0, 1, 100, -9, -1])
def test_files_that_are_no_nets_are_named(tmp_path, save_net, clips, kept):
    save_net(tmp_path / "net.onnx", [4], {"tags": 2})
    data = (tmp_path / "net.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[:kept])
    with pytest.raises(ValueError, match=r"cut\.onnx: (it is no ONNX file|onnxruntime says)"):
        OnnxEmbedder(tmp_path / "cut.onnx").fit(clips)
    (tmp_path / "cut.onnx").write_bytes(b"RIFF" + bytes(200))
    with pytest.raises(ValueError, match=r"cut\.onnx: it is no ONNX file"):
        OnnxEmbedder(tmp_path / "cut.onnx").fit(clips)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"model": "musicnn"}, OSError, r"'musicnn' is neither a bundled net \('musicnn-msd', "),
        ({"model": "."}, OSError, r"'\.' is neither a bundled net"),
        ({"model": "a\0b"}, OSError, r"'a\\\\x00b' is neither a bundled net"),
        ({"outputs": ["genres"]}, ValueError, r"outputs must be some of \['logits', 'max_pool'"),
        ({"outputs": []}, ValueError, "outputs must be some of"),
        ({"outputs": ["tags", "tags"]}, ValueError, "each once"),
        ({"outputs": "tags"}, ValueError, "'outputs' parameter"),
        ({"statistics": ["mode"]}, ValueError, r"statistics \['mode'\] are unknown"),
        ({"frontend": "mel"}, ValueError, "'frontend' parameter"),
        ({"frontend": "waveform"}, ValueError, "not waveforms"),
        ({"frontend": MelSpectrogramTransformer()}, ValueError, "not spectrograms of 128 bands"),
        ({"frontend": MelSpectrogramTransformer(n_mels=0)}, ValueError, "'n_mels' parameter"),
        ({"batch_size": 0}, ValueError, "'batch_size' parameter"),
    ],
)
def test_bad_parameters_are_named(clips, params, error, message):
    with pytest.raises(error, match=message):
        OnnxEmbedder(sr=SR).set_params(**params).fit(clips)


def test_what_a_net_hears_must_be_known(tmp_path, save_net, clips):
    save_net(tmp_path / "net.onnx", [128, 40], {"tags": 2})
    with pytest.raises(ValueError, match=r"net\.onnx: the file does not say what input"):
        OnnxEmbedder(tmp_path / "net.onnx").fit(clips)


@pytest.mark.parametrize("rate", ["fast", "", "nan", "inf", "-16000", "0", "1e300"])
def test_a_rate_that_is_none_is_refused(tmp_path, save_net, clips, rate):
    metadata = {"frontend": "waveform", "sample_rate": rate}
    save_net(tmp_path / "net.onnx", [4], {"tags": 2}, metadata=metadata)
    message = rf"net\.onnx: the file names the sample_rate '{rate}', which must be a number of Hz"
    with pytest.raises(ValueError, match=message):
        OnnxEmbedder(tmp_path / "net.onnx", sr=SR).fit(clips)


@pytest.mark.parametrize("names", ["[" * 200_000, '["one"', '["same", "same"]', "[1, 2]", "{}"])
def test_names_that_are_none_are_numbers(tmp_path, save_net, clips, names):
    metadata = {"frontend": "waveform", "names_of_tags": names}
    save_net(tmp_path / "net.onnx", [4], {"tags": 2}, metadata=metadata)
    embedder = OnnxEmbedder(tmp_path / "net.onnx", sr=SR).fit(clips)
    assert list(embedder.get_feature_names_out()) == ["tags_0_mean", "tags_1_mean"]
