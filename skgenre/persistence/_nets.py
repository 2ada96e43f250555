"""Nets of Keras as graphs."""

import logging
import tempfile
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import onnx

from ..neural_network._base import BaseKerasClassifier
from ._classifiers import aggregate
from ._format import OPSETS
from ._graph import check_operators, order_constants
from ._steps import ExportError, check_value, classify, name_step


@classify.register
def _(step: BaseKerasClassifier, x, graph):
    x = check_value(step, x)
    image = graph.add("Unsqueeze", x.name, np.array([2, 3] if x.is_table else [3]))
    try:
        proba = _add_net(_in_float32(step), image, graph)
    except Exception as error:  # of Keras, TensorFlow and tf2onnx, of many classes
        reason = str(error).split("\n")[0][:300]
        raise ExportError(
            f"The net of {name_step(step)} cannot be written to a model file: "
            f"{type(error).__name__}: {reason}"
        ) from error
    return aggregate(graph.cast(proba, np.float64), step.aggregate, graph, np.float32)


def _in_float32(step):
    """Return the net of a classifier, computing in float32."""
    from ..neural_network import _keras

    if step._precision_ == "float32":
        return step.model_
    n_classes, weights = len(step.classes_), step.model_.get_weights()
    return _keras.rebuild(step._builder_, step.input_shape_, n_classes, "float32", weights)


def _add_net(model, value, graph):
    """Add a net, part by part between layers that only we know."""
    from ..neural_network import _keras
    from ..neural_network.architectures._layers import IndRNN

    part = partial(_keras.keras.Model, model.inputs[0])
    for layer in model.layers:
        if isinstance(layer, IndRNN):
            value = _add_converted(part(layer.input), value, graph)
            value = _add_indrnn(layer, value, graph)
            part = partial(_keras.keras.Model, layer.output)
    is_whole = part.args[0] is model.inputs[0]
    return _add_converted(model if is_whole else part(model.outputs[0]), value, graph)


def _add_converted(model, value, graph):
    """Add what Keras and tf2onnx make of a net."""
    # Keras exports what was called once
    model(np.zeros((1, *model.input_shape[1:]), dtype=np.float32))
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder, "net.onnx")
        model.export(path, format="onnx", verbose=False, opset_version=OPSETS[""])
        converted = onnx.load(path)
    check_operators(converted)
    order_constants(converted)
    (taken,), (given,) = converted.graph.input, converted.graph.output
    return graph.merge(converted, {taken.name: value})[given.name]


def _add_indrnn(layer, frames, graph):
    """Add a layer of ours: a recurrent one whose recurrent weights stand on a diagonal."""
    kernel, recurrent, bias = (np.asarray(weights) for weights in layer.get_weights())
    zeros = np.zeros_like(bias)
    states, last = graph.add(
        "RNN",
        graph.add("Transpose", frames, perm=[1, 0, 2]),
        kernel.T[np.newaxis],
        np.diag(recurrent)[np.newaxis],
        np.concatenate([bias, zeros])[np.newaxis],
        n_outputs=2,
        hidden_size=layer.units,
        activations=["Relu"],
    )
    if not layer.return_sequences:
        return graph.add("Squeeze", last, np.array([0]))
    return graph.add("Transpose", graph.add("Squeeze", states, np.array([1])), perm=[1, 0, 2])


@contextmanager
def _quiet():
    """Keep tf2onnx and TensorFlow from telling what they do, and what they do that is outdated."""
    from ..neural_network import _keras

    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with _keras.quiet(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
