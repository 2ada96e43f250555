"""Make skgenre/data/musicnn_msd.onnx and musicnn_mtt.onnx from the weights in the package musicnn.

The wheel is downloaded from PyPI and never installed. Its checkpoints are read by TensorFlow, the
net is written down as ONNX, node by node, and its outputs are compared with those of the wheel's
own graph. The weights behind the first layer are then stored in half precision, and what that
changes is printed. A second run gives the same files to the byte.

    pip install "skgenre[keras]" onnx
    python tools/make_musicnn.py [--wheel musicnn-0.1.0-py3-none-any.whl] [--clips folder]
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

# oneDNN's convolutions are fast and round coarsely: with them, TensorFlow is up to 4e-4 from a
# computation in float64 where ours, and TensorFlow's without them, are within 1e-4.
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"

import librosa
import numpy as np
import onnx
import onnxruntime
from musicnn_wheel import MODELS, download, open_wheel, read_tags, read_weights, unpack
from onnx import TensorProto, helper, numpy_helper

DATA = Path(__file__).parents[1] / "skgenre" / "data"
N_FRAMES, N_MELS = 187, 96
# of the batch normalisations
EPSILON = 1e-3
OUTPUTS = {"tags": 50, "logits": 50, "penultimate": 200, "mean_pool": 753, "max_pool": 753}
# a kernel that changes what its filter gives by less, for an input of 1, is taken to be zero
NEGLIGIBLE = 1e-6
# how far each output may be from the wheel's, and how far half precision may move the tags
MAX_DIFFERENCE, MAX_MOVE = 1e-4, 1e-3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", type=Path, help="the wheel, if it is at hand")
    parser.add_argument("--models", choices=MODELS, nargs="+", default=list(MODELS))
    parser.add_argument("--clips", type=Path, help="folder of music to compare the outputs on")
    parser.add_argument("--out", type=Path, default=DATA, help="folder of the files")
    args = parser.parse_args()
    clips = sorted(args.clips.rglob("*.flac")) if args.clips else []
    patches = np.concatenate([cut(clip) for clip in clips] or [noise()])
    print(f"{len(patches)} patches of {len(clips)} files")
    with tempfile.TemporaryDirectory() as folder:
        wheel = args.wheel or download(folder)
        for model in args.models:
            checkpoint = unpack(wheel, MODELS[model], folder)
            weights, tags = read_weights(checkpoint), read_tags(wheel, model)
            theirs = compute(open_wheel(checkpoint), patches)
            whole = compute(open_net(write_net(weights, tags)), patches)
            net = write_net(weights, tags, halved=True)
            halved = compute(open_net(net), patches)
            print(f"musicnn_{model}.onnx, {len(net) / 1e6:.2f} MB; largest differences:")
            print("                wheel  half precision")
            for name in OUTPUTS:
                difference = compare(whole[name], theirs[name])
                move = np.abs(halved[name] - whole[name]).max()
                print(f"  {name:12} {difference:.1e}         {move:.1e}")
                if difference > MAX_DIFFERENCE:
                    raise SystemExit("The outputs are not those of the wheel")
            if np.abs(halved["tags"] - theirs["tags"]).max() > MAX_MOVE:
                raise SystemExit("The tags are not those of the wheel in half precision")
            (args.out / f"musicnn_{model}.onnx").write_bytes(net)


class Graph:
    """Nodes of an ONNX graph, each named after what it gives."""

    def __init__(self, weights, halved):
        self.nodes, self.initializers = [], []
        self._weights = weights
        self._halved = halved

    def constant(self, name, values, dtype=np.float32):
        """Add an array."""
        array = np.ascontiguousarray(values, dtype=dtype)
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def matrix(self, name, values):
        """Add an array that may be kept in half precision, and return the name of its floats."""
        if not self._halved:
            return self.constant(name, values)
        self.constant(name, values, np.float16)
        return self.add("Cast", [name], f"{name}_float", to=TensorProto.FLOAT)

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
        layer = numbered("conv2d", number)
        kernel = self._weights[f"{layer}/kernel"][:, :, 0].transpose(2, 1, 0)
        parts = [
            self.matrix(f"{name}_kernel", kernel),
            self.constant(f"{name}_bias", self._weights[f"{layer}/bias"]),
        ]
        x = self.add("Conv", [x, *parts], f"{name}_conv", pads=pads)
        x = self.add("Relu", [x], f"{name}_relu")
        return self.normalize(x, number + 1, f"{name}_norm")

    def view(self, x, number, name, *, pads):
        """Add a convolution in time and frequency, and the largest of what it gives over frequency.

        The checkpoint's net normalises first. Where the normalisation turns the sign, the largest
        value comes from the smallest one before; with the sign in the kernel, one maximum finds
        both. The bias is added after it, since it is the same at all frequencies.

        Half precision in these few kernels alone would move the tags by 1e-3.
        """
        layer = numbered("batch_normalization", number + 1)
        gamma, beta, mean, variance = (
            self._weights[f"{layer}/{part}"].astype(np.float64)
            for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + EPSILON)
        layer = numbered("conv2d", number)
        kernel = self._weights[f"{layer}/kernel"].transpose(3, 2, 0, 1)
        used = np.flatnonzero(np.abs(scale) * np.abs(kernel).sum(axis=(1, 2, 3)) > NEGLIGIBLE)
        places = np.full(len(kernel), len(used))
        places[used] = np.arange(len(used))

        signs = np.where(scale < 0, -1, 1)
        x = self.add(
            "Conv", [x, self.turn_and_pick(name, kernel, signs, used)], f"{name}_conv", pads=pads
        )
        n_bands = N_MELS - kernel.shape[3] + 1
        x = self.add("MaxPool", [x], f"{name}_max", kernel_shape=[1, n_bands])
        x = self.add("Squeeze", [x, self.constant(f"{name}_axis", [3], np.int64)], f"{name}_column")
        x = self.pick(x, places, f"{name}_all", axis=1)
        x = self.combine("Mul", x, signs, f"{name}_sign", f"{name}_turned")
        x = self.combine("Add", x, self._weights[f"{layer}/bias"], f"{name}_bias", f"{name}_biased")
        x = self.add("Relu", [x], f"{name}_relu")
        x = self.combine("Mul", x, scale, f"{name}_scale", f"{name}_scaled")
        return self.combine("Add", x, beta - mean * scale, f"{name}_shift", f"{name}_norm")

    def turn_and_pick(self, name, kernel, signs, used):
        """Add kernels times signs: those used, and zeros in place of the rest.

        Training has brought most kernels down to nothing: what their filters give is the same for
        any input, and is not computed for each. One kernel of zeros stands for all of them. More of
        those fill the channels to a multiple of 16, for onnxruntime then takes the maximum in the
        layout in which it convolves. It makes these kernels once, when it opens the file, which has
        all of them for nets that learn on.
        """
        signs = self.constant(f"{name}_kernel_sign", signs.reshape(-1, 1, 1, 1))
        kernel = self.constant(f"{name}_kernel", kernel)
        x = self.add("Mul", [kernel, signs], f"{name}_kernel_turned")
        x = self.pick(x, used, f"{name}_kernel_used", axis=0)
        n_zeros = [0, 0, 0, 0, 16 - len(used) % 16, 0, 0, 0]
        zeros = self.constant(f"{name}_kernel_zeros", n_zeros, np.int64)
        return self.add("Pad", [x, zeros], f"{name}_kernel_filled")

    def pick(self, x, places, name, *, axis):
        """Add a choice of places along an axis."""
        places = self.constant(f"{name}_places", places, np.int64)
        return self.add("Gather", [x, places], name, axis=axis)

    def combine(self, kind, x, values, constant, name):
        """Add the sum or product with a value for each channel."""
        return self.add(kind, [x, self.constant(constant, values[:, np.newaxis])], name)

    def multiply(self, x, number, name):
        """Add a dense layer."""
        layer = numbered("dense", number)
        kernel = self.matrix(f"{name}_kernel", self._weights[f"{layer}/kernel"])
        bias = self.constant(f"{name}_bias", self._weights[f"{layer}/bias"])
        return self.add("Gemm", [x, kernel, bias], name)


def numbered(layer, number):
    """Return the name that TensorFlow gives to a layer of a kind, counted from 0."""
    return f"{layer}_{number}" if number else layer


def write_net(weights, tags, halved=False):
    """Return the net as the bytes of an ONNX file."""
    graph = Graph(weights, halved)
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


def open_net(data):
    """Return a function that runs our net."""
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return lambda patches, names: session.run(list(names), {"melspectrogram": patches})


def compute(run, patches):
    """Return every output for all patches, by its name."""
    parts = [run(part, OUTPUTS) for part in np.array_split(patches, -(-len(patches) // 16))]
    return {
        name: np.concatenate(values)
        for name, values in zip(OUTPUTS, zip(*parts, strict=True), strict=True)
    }


def compare(ours, theirs):
    """Return the largest difference, as a share of the largest value of a channel beyond 1.

    A sum of floats is rounded in proportion to its terms, which in some channels reach 170.
    """
    scale = np.maximum(np.abs(theirs).max(axis=0), 1)
    return (np.abs(ours - theirs) / scale).max()


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


if __name__ == "__main__":
    main()
