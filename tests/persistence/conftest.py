"""Small model files, made by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from skgenre import MelSpectrogramTransformer
from skgenre.datasets import make_genre_clips
from skgenre.persistence._format import IR_VERSION, OPSETS, Features, ModelInfo, Segments, seal

onnx = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

N_BANDS, N_FRAMES, SR = 8, 9, 4000
MEL = {"sr": SR, "n_fft": 512, "hop_length": 256, "n_mels": N_BANDS, "duration": 1.0}
CUT = {"n_segments": None, "segment_duration": 0.5}
INFO = ModelInfo(
    genres=("blues", "rock", "techno"),
    prior=(0.25, 0.25, 0.5),
    sr=float(SR),
    features=(
        Features(
            "features", "MelSpectrogramTransformer", {**MEL, **CUT}, (None, N_BANDS, N_FRAMES - 1)
        ),
    ),
    segments=Segments(1.0, 0.5, None, SR // 2),
    aggregate="mean",
    made_by={
        "recipe": None,
        "estimator": "MelSpectrogramTransformer, LogisticRegression",
        "parameters": {},
        "versions": {"skgenre": "0.1.0"},
        "date": "2026-11-29",
    },
    learned_from={"n_songs": 40, "n_artists": 30},
)
WEIGHTS = np.random.default_rng(0).normal(scale=0.05, size=(N_BANDS, 3)).astype(np.float32)


def describe(name, shape, kind=1):
    return helper.make_tensor_value_info(name, kind, shape)


def make_nodes():
    """Return what judges spectrograms by the mean of each band."""
    return [
        helper.make_node("ReduceMean", ["features", "frames"], ["bands"], keepdims=0),
        helper.make_node("MatMul", ["bands", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["segment_probabilities"], axis=1),
        helper.make_node(
            "ReduceMean", ["segment_probabilities", "segments"], ["probabilities"], keepdims=1
        ),
    ]


def make_model(nodes=None, *, info=INFO, inputs=None, outputs=None, constants=(), value_info=()):
    """Return an ONNX model, not yet sealed."""
    (part,) = info.features[:1]
    n_genres = len(info.genres)
    numbers = {"frames": np.array([2]), "segments": np.array([0]), "weights": WEIGHTS}
    numbers.update(constants)
    names = ("segment_probabilities", "probabilities")
    graph = helper.make_graph(
        make_nodes() if nodes is None else nodes,
        "skgenre",
        [describe("features", ["n", *part.shape[1:]])] if inputs is None else inputs,
        [describe(name, [None, n_genres]) for name in names] if outputs is None else outputs,
        [numpy_helper.from_array(values, name) for name, values in numbers.items()],
        value_info=list(value_info),
    )
    opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    helper.set_model_props(model, info.to_props())
    return model


def serialize(model):
    """Return the bytes of the file."""
    return seal(model.SerializeToString())


def expect(songs):
    """Return what the file of `make_model` says of the segments of songs, computed by NumPy."""
    bags = MelSpectrogramTransformer(**MEL, **CUT).transform(songs)
    logits = [bag.mean(axis=2) @ WEIGHTS for bag in bags]
    shares = [np.exp(part - part.max(axis=1, keepdims=True)) for part in logits]
    return [part / part.sum(axis=1, keepdims=True) for part in shares]


@pytest.fixture
def songs():
    """Three songs: of the length that is heard, longer, and shorter than a segment."""
    rng = np.random.default_rng(0)
    return [rng.uniform(-0.5, 0.5, n).astype(np.float32) for n in (SR, 2 * SR, SR // 3)]


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a model, or bytes, to a file, and returns its path."""

    def write(model=None, name="model.onnx"):
        path = tmp_path / name
        data = model if isinstance(model, bytes) else serialize(model or make_model())
        path.write_bytes(data)
        return path

    return write


@pytest.fixture
def make():
    """Return the functions that make models."""
    return SimpleNamespace(
        model=make_model,
        nodes=make_nodes,
        describe=describe,
        serialize=serialize,
        expect=expect,
        info=INFO,
        helper=helper,
        numpy_helper=numpy_helper,
        onnx=onnx,
    )


@pytest.fixture(scope="session")
def clips():
    """Twenty-four clips of 1.5 s of four genres, with genres."""
    return make_genre_clips(24, n_genres=4, duration=1.5, random_state=0)
