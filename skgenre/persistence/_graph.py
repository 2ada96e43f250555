"""An ONNX graph under construction."""

from itertools import count
from typing import NamedTuple

import numpy as np
from onnx import NodeProto, helper, numpy_helper

from ._checks import OPERATORS
from ._format import IR_VERSION, OPSETS


class Value(NamedTuple):
    """What a step of a pipeline gives for one song: floats of single precision.

    The first axis is that of segments, of length 1 where the step sees whole songs. A length that
    is only known when a song is heard is None.
    """

    name: str
    shape: tuple

    @property
    def is_table(self):
        """Whether it is a row of a table, (1, n_features)."""
        return len(self.shape) == 2


class Graph:
    """Nodes and constants in the order in which they can be computed.

    Parameters
    ----------
    prefix : str
        What names of values begin with; those of graphs that are joined later must differ.
    """

    def __init__(self, prefix="v"):
        self.nodes, self.initializers = [], []
        self._names = (f"{prefix}{number}" for number in count())

    def constant(self, values):
        """Add an array, and return its name."""
        name = next(self._names)
        self.initializers.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def add(self, kind, *inputs, name=None, n_outputs=1, domain="", **attributes):
        """Add a node.

        Parameters
        ----------
        kind : str
            The operator.
        *inputs : str or ndarray
            Names of values, or constants.
        name : str, default=None
            Of the value that it gives; None is for a new one.
        n_outputs : int, default=1
            How many values it gives.
        domain : str, default=""
            Of the operator.
        **attributes : object
            Of the node.

        Returns
        -------
        name : str, or list of str where there are several
            Of what it gives.
        """
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        outputs = [name] if name else [next(self._names) for _ in range(n_outputs)]
        self.nodes.append(helper.make_node(kind, names, outputs, domain=domain, **attributes))
        return outputs[0] if n_outputs == 1 else outputs

    def cast(self, value, dtype):
        """Add a conversion to a type of NumPy."""
        return self.add("Cast", value, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reshape(self, value, *shape):
        """Add a reshape; 0 keeps the length of an axis, and -1 is what is left."""
        return self.add("Reshape", value, np.array(shape, dtype=np.int64))

    def join(self, values, axis):
        """Add a concatenation, where there is more than one value."""
        return values[0] if len(values) == 1 else self.add("Concat", *values, axis=axis)

    def reduce(self, kind, value, *axes, keepdims=0):
        """Add a reduction, such as ``"ReduceMean"``, over axes."""
        return self.add(kind, value, np.array(axes, dtype=np.int64), keepdims=keepdims)

    def columns(self, value, places):
        """Add a choice of places along the second axis."""
        return self.add("Gather", value, np.array(places, dtype=np.int64), axis=1)

    def merge(self, model, inputs):
        """Add all of a model, and return the names of its outputs, by those that they had.

        Parameters
        ----------
        model : onnx.ModelProto
            Its names may be those of values that are here already.
        inputs : dict of str
            Names of values here, by those of the model's inputs.
        """
        names = dict(inputs)
        graph = model.graph
        for tensor in graph.initializer:
            copied = type(tensor)()
            copied.CopyFrom(tensor)
            copied.name = names[tensor.name] = next(self._names)
            self.initializers.append(copied)
        for node in graph.node:
            self.nodes.append(self._renamed(node, names))
        return {value.name: names[value.name] for value in graph.output}

    def _renamed(self, node, names):
        copied = NodeProto()
        copied.CopyFrom(node)
        copied.name = ""
        copied.ClearField("doc_string")
        copied.input[:] = [names[name] if name else "" for name in node.input]
        for name in node.output:
            if name:
                names[name] = next(self._names)
        copied.output[:] = [names[name] if name else "" for name in node.output]
        return copied

    def put_before(self, other):
        """Put the nodes of another graph before those of this one."""
        self.nodes[:0] = other.nodes
        self.initializers[:0] = other.initializers

    def finish(self, inputs, outputs, named):
        """Return the model of what the outputs need.

        Parameters
        ----------
        inputs, outputs : dict of tuple
            Shapes, by the names of values.
        named : dict of tuple
            The same of values inside whose types are written down.

        Returns
        -------
        model : onnx.ModelProto
        """
        nodes, needed = [], set(outputs)
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                # onnxruntime below 1.22 mixes up what it makes of nodes without names
                node.name = node.output[0]
                nodes.append(node)
                needed.update(node.input)
        graph = helper.make_graph(
            nodes[::-1],
            "skgenre",
            [_describe(*value) for value in inputs.items()],
            [_describe(*value) for value in outputs.items()],
            [tensor for tensor in self.initializers if tensor.name in needed],
            value_info=[_describe(*value) for value in named.items()],
        )
        opsets = [helper.make_opsetid(*opset) for opset in OPSETS.items()]
        return helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def check_operators(model):
    """Refuse a model of operators that no model file may have."""
    if model.functions:
        raise ValueError("it has functions of its own")
    for node in model.graph.node:
        if node.op_type not in OPERATORS.get(node.domain, ()):
            raise ValueError(f"it needs the operator {node.op_type}, which no model file may have")


def order_constants(model):
    """Put the constants of a model in the order of their first use: tf2onnx has them in any."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    used = dict.fromkeys(name for node in model.graph.node for name in node.input)
    ordered = [constants[name] for name in used if name in constants]
    del model.graph.initializer[:]
    model.graph.initializer.extend(ordered)


def _describe(name, shape):
    axes = [axis if axis is not None else f"{name}_{i}" for i, axis in enumerate(shape)]
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype("f4")), axes
    )
