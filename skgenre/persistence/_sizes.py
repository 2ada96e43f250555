"""How large the values inside a graph become, and of what kind, before anything is computed.

onnxruntime works that out when it opens a graph, and tells it of the outputs; so here all values
are outputs, large constants are inputs of their shapes, and nothing is run.
"""

import math

import numpy as np

from .._onnx._runtime import open_session
from ._checks import MAX_VALUE_BYTES
from ._format import ModelFileError

# Constants that the shapes of values may follow from are smaller, and kept.
_FEW = 64
_FLOATS = {1, 10, 11}
# How many segments a song is taken to have, where any number will do.
_N_SEGMENTS = 16
_DIVISIONS = {b"Div", b"Mod"}


def check_sizes(model, n_genres):
    """Refuse a graph with values of shapes that cannot be, or that divides whole numbers by others.

    Parameters
    ----------
    model : message
        A graph that can be run. It stays as it is.
    n_genres : int
        How many probabilities the outputs must have.
    """
    probe = type(model)()
    probe.CopyFrom(model)
    graph = probe.graph
    for value in graph.input:
        for axis in value.type.tensor_type.shape.dim:
            if not axis.dim_value:
                axis.Clear()
                axis.dim_value = _N_SEGMENTS
    _take_constants_in(graph)
    named = {value.name for value in graph.output}
    for value in graph.output:
        value.ClearField("type")
    for node in graph.node:
        for name in node.output:
            if name and name not in named:
                graph.output.add(name=name)
    del graph.value_info[:]
    types = {}
    for value in open_session(probe.SerializeToString(), optimize=False).get_outputs():
        types[value.name.encode()] = value.type
        width = value.shape[-1] if value.shape else None
        if value.name.encode() in named and isinstance(width, int) and width != n_genres:
            raise ModelFileError(
                f"its output {value.name!r} has {width} probabilities for {n_genres} genres"
            )
        n_values = math.prod(size for size in value.shape if isinstance(size, int))
        if 8 * n_values > MAX_VALUE_BYTES:
            limit = f"{MAX_VALUE_BYTES / 2**20:g} MiB"
            raise ModelFileError(f"a value inside it has the shape {value.shape}, above {limit}")
    _check_divisions(model.graph, types)


def _take_constants_in(graph):
    kept = []
    for tensor in graph.initializer:
        n_values = math.prod(tensor.dims)
        if n_values <= _FEW or tensor.data_type not in _FLOATS:
            kept.append(tensor)
            continue
        described = graph.input.add(name=tensor.name)
        described.type.tensor_type.elem_type = tensor.data_type
        for size in tensor.dims:
            described.type.tensor_type.shape.dim.add(dim_value=size)
    graph.ClearField("initializer")
    graph.initializer.extend(kept)


def _check_divisions(graph, types):
    """Refuse to divide whole numbers by what is not a constant without 0: it ends the process."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type not in _DIVISIONS or "int" not in types.get(node.output[0], "int"):
            continue
        by = constants.get(node.input[1])
        numbers = [] if by is None else _whole_numbers(by)
        if not numbers or min(numbers) <= 0:
            raise ModelFileError("it divides whole numbers by what may be 0 or less")


def _whole_numbers(tensor):
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, "<i8" if tensor.data_type == 7 else "<i4").tolist()
    return list(tensor.int64_data if tensor.data_type == 7 else tensor.int32_data)
