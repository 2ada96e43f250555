import importlib
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from skgenre.datasets import make_genre_clips

SR = 22050
# what encoders without loss are given, which otherwise take the first format that they know
INTEGERS = {"alac": "s16p", "flac": "s16", "tta": "s16", "wavpack": "s16p"}


@pytest.fixture(scope="session")
def songs():
    """Twenty-four clips of 1.5 s of four genres, with genres and artists.

    Rounded to 16 bits, so that they are the same after a way through a file.
    """
    X, y, groups = make_genre_clips(
        24, n_genres=4, duration=1.5, n_artists_per_genre=3, random_state=0, return_groups=True
    )
    return np.round(X * 32768) / np.float32(32768), y, groups


@pytest.fixture(scope="session")
def song_files(songs, tmp_path_factory):
    """Return paths of the same clips as files, with genres and artists."""
    folder = tmp_path_factory.mktemp("songs")
    X, y, groups = songs
    paths = [str(folder / f"{i:02} {genre}.flac") for i, genre in enumerate(y)]
    for path, waveform in zip(paths, X, strict=True):
        sf.write(path, waveform, SR)
    return np.array(paths), y, groups


@pytest.fixture
def task_that_ends_its_worker_once(tmp_path):
    """Return a function of a number, which it returns; its first run for 5 ends the process.

    The size of the file with the number, in ``tmp_path``, is how often it ran.
    """

    def run(task):
        with open(tmp_path / f"{task}", "a") as runs:
            runs.write("x")
        if task == 5 and os.path.getsize(tmp_path / f"{task}") == 1:
            os._exit(1)
        return task

    return run


@pytest.fixture
def benchmarks(monkeypatch):
    """Return what imports a module of the benchmarks."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")
    return importlib.import_module


@pytest.fixture(scope="session")
def encode():
    """Return a function that writes a waveform with one of FFmpeg's encoders."""
    import av

    def write(path, y, sr, codec, *, with_video=False, **options):
        y = np.atleast_2d(np.asarray(y, dtype=np.float32))
        layout = {1: "mono", 2: "stereo"}[len(y)]
        with av.open(str(path), "w", **options) as container:
            video = container.add_stream("mpeg4", rate=10) if with_video else None
            if video:
                video.width = video.height = 32
                video.pix_fmt = "yuv420p"
            audio = container.add_stream(codec, rate=sr, layout=layout)
            audio.bit_rate = 128_000
            if codec in INTEGERS:
                audio.format = INTEGERS[codec]
            audio.codec_context.open()
            resampler = av.AudioResampler(
                audio.codec_context.format, layout, sr, audio.codec_context.frame_size or 1024
            )
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(y), "fltp", layout)
            frame.sample_rate = sr
            for part in [*resampler.resample(frame), *resampler.resample(None), None]:
                container.mux([packet for packet in audio.encode(part) if packet.size])
            if video:
                for _ in range(int(10 * y.shape[1] / sr)):
                    picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
                    container.mux(video.encode(picture))
                container.mux(video.encode(None))
        return path

    return write


@pytest.fixture(scope="session")
def bags():
    """Bags of two genres that differ a little, 40 songs of three segments, 4 bands, 10 frames."""
    rng = np.random.RandomState(0)
    y = np.repeat(["blues", "rock"], 20)
    X = rng.normal(size=(40, 3, 4, 10)).astype(np.float32)
    X[y == "rock", :, 1] += 1
    return X, y


@pytest.fixture(scope="session")
def gtzan_home():
    """Return the folder of real clips that the environment names, if it does."""
    home = os.environ.get("SKGENRE_GTZAN")
    if not home:
        pytest.skip("SKGENRE_GTZAN is unset")
    return home


TINY = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
TINY_WAVEFORM = {
    **TINY,
    "conv_dim": (8, 8),
    "conv_kernel": (10, 8),
    "conv_stride": (5, 4),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
# in lower precisions only nets of a real width are right
WIDE_WAVEFORM = {
    **TINY_WAVEFORM,
    "hidden_size": 64,
    "intermediate_size": 128,
    "conv_dim": (64, 64),
    "feat_extract_norm": "layer",
}
TINY_SPECTROGRAM = {
    **TINY,
    "max_length": 64,
    "num_mel_bins": 16,
    "patch_size": 8,
    "initializer_range": 0.3,
}


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Return a folder of tiny models of random weights, made and saved by transformers.

    Those of layer and of group normalisation, the other families, one at another sample rate,
    one that does not normalise its waveforms, and one of a real width.
    """
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")

    def waveforms(**settings):
        return transformers.Wav2Vec2FeatureExtractor(**settings)

    masked = waveforms(return_attention_mask=True)
    layer_norm = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, **TINY_WAVEFORM}
    spectrograms = transformers.ASTFeatureExtractor(max_length=64, num_mel_bins=16)
    kinds = {
        "layer-norm": (transformers.Wav2Vec2Config(**layer_norm), masked),
        "group-norm": (transformers.Wav2Vec2Config(**TINY_WAVEFORM), waveforms()),
        "hubert": (transformers.HubertConfig(**TINY_WAVEFORM), masked),
        "wavlm": (transformers.WavLMConfig(**TINY_WAVEFORM), waveforms()),
        "data2vec": (transformers.Data2VecAudioConfig(**TINY_WAVEFORM), masked),
        "ast": (transformers.ASTConfig(**TINY_SPECTROGRAM), spectrograms),
        "24-khz": (transformers.Wav2Vec2Config(**layer_norm), waveforms(sampling_rate=24000)),
        "wide": (transformers.Wav2Vec2Config(**WIDE_WAVEFORM), waveforms()),
        "as-it-is": (transformers.Wav2Vec2Config(**layer_norm), waveforms(do_normalize=False)),
    }
    folder = tmp_path_factory.mktemp("checkpoints")
    transformers.utils.logging.disable_progress_bar()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name, (config, extractor) in kinds.items():
            transformers.AutoModel.from_config(config).save_pretrained(folder / name)
            extractor.save_pretrained(folder / name)
    return folder


@pytest.fixture(scope="session")
def save_net():
    """Return a function that writes a net of one product for each output to an ONNX file."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper

    def save(path, shape, outputs, *, batch="batch", metadata=None, change=None):
        """Write a net whose outputs are products of the mean over all but the last axis.

        Returns the matrix of each output, from the last axis to its values.
        """
        rng = np.random.default_rng(0)
        axes = numpy_helper.from_array(np.arange(1, len(shape)), "axes")
        nodes = [helper.make_node("Identity", ["input"], ["mean"])]
        if len(shape) > 1:
            nodes = [helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0)]
        matrices = {
            name: rng.normal(size=(shape[-1], width)).astype(np.float32)
            for name, width in outputs.items()
        }
        nodes += [helper.make_node("MatMul", ["mean", f"m_{name}"], [name]) for name in outputs]
        describe = helper.make_tensor_value_info
        kind = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            nodes,
            "net",
            [describe("input", kind, [batch, *shape])],
            [describe(name, kind, [batch, width]) for name, width in outputs.items()],
            [axes, *(numpy_helper.from_array(m, f"m_{name}") for name, m in matrices.items())],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        helper.set_model_props(model, metadata or {})
        if change is not None:
            change(model)
        path.write_bytes(model.SerializeToString())
        return matrices

    return save


@pytest.fixture(scope="session")
def nets(save_net, tmp_path_factory):
    """Return a folder with a tiny net that takes waveforms."""
    folder = tmp_path_factory.mktemp("nets")
    metadata = {"frontend": "waveform", "sample_rate": "22050"}
    save_net(folder / "tiny.onnx", [4], {"tags": 5}, metadata=metadata)
    return folder
