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
N_SEGMENTS = 16
# For so many: minutes. A net of 300 million weights needs a fifth for as many segments of 10 s.
_MAX_PRODUCTS = 10**13
# Give what their whole numbers ask for: which of the inputs has them.
_CREATORS = {b"ConstantOfShape": 0, b"Expand": 1, b"Tile": 1, b"Pad": 1, b"OneHot": 1, b"Range": 1}
# Their first input alone has what becomes a size; the others tell of places.
_OF_PLACES = {b"Gather", b"Slice", b"Squeeze", b"Unsqueeze", b"Reshape", b"ReduceProd", b"Cast"}
_DIVISIONS = {b"Div", b"Mod"}


class TooLargeError(ModelFileError):
    """Values of a graph take more than they may."""


def check_sizes(model, n_genres, n_segments=N_SEGMENTS):
    """Refuse a graph with values that are too large or cannot be, or that takes too long.

    Parameters
    ----------
    model : message
        A graph that can be run.
    n_genres : int
        How many probabilities the outputs must have.
    n_segments : int
        How many segments a song is taken to have, where the graph takes any number.

    Raises
    ------
    TooLargeError
        If values are too large, which those of fewer segments may not be.
    ModelFileError
        If anything else is wrong.
    """
    outputs = {value.name for value in model.graph.output}
    shapes = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    types, unknown = {}, set()
    for value in open_session(_make_probe(model, n_segments), optimize=False).get_outputs():
        name, shape = value.name.encode(), value.shape
        if name in outputs and shape and isinstance(shape[-1], int) and shape[-1] != n_genres:
            raise ModelFileError(
                f"its output {value.name!r} has {shape[-1]} probabilities for {n_genres} genres"
            )
        types[name] = value.type
        if not all(isinstance(n, int) for n in shape):
            unknown.add(name)
        shapes[name] = tuple(n if isinstance(n, int) else n_segments for n in shape)
        if 8 * math.prod(shapes[name]) > MAX_VALUE_BYTES:
            limit = f"{MAX_VALUE_BYTES / 2**20:g} MiB"
            raise TooLargeError(f"a value inside it has the shape {shape}, above {limit}")
    _check_creators(model.graph, unknown)
    _check_work(model.graph, shapes, n_segments)
    _check_divisions(model.graph, types)


def _make_probe(model, n_segments):
    """Return the bytes of a graph of the same values, all of which are outputs."""
    probe = type(model)(ir_version=model.ir_version, opset_import=model.opset_import)
    graph = probe.graph
    graph.node.extend(model.graph.node)
    graph.input.extend(model.graph.input)
    for value in graph.input:
        for axis in value.type.tensor_type.shape.dim:
            if not axis.dim_value:
                axis.Clear()
                axis.dim_value = n_segments
    for tensor in model.graph.initializer:
        if math.prod(tensor.dims) <= _FEW or tensor.data_type not in _FLOATS:
            graph.initializer.append(tensor)
            continue
        described = graph.input.add(name=tensor.name).type.tensor_type
        described.elem_type = tensor.data_type
        for size in tensor.dims:
            described.shape.dim.add(dim_value=size)
    for node in graph.node:
        for name in node.output:
            if name:
                graph.output.add(name=name)
    return probe.SerializeToString()


def _check_creators(graph, unknown):
    """Refuse constants above the limit where they become sizes that are only known in a run."""
    constants = {tensor.name: _whole_numbers(tensor) for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        place = _CREATORS.get(node.op_type, len(node.input))
        if place >= len(node.input) or unknown.isdisjoint(node.output):
            continue
        waiting, seen, size = [node.input[place]], set(), 1
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            size *= math.prod(max(abs(number), 1) for number in constants.get(name, ()))
            if name in makers:
                maker = makers[name]
                size *= _numbers_inside(maker)
                waiting += maker.input[:1] if maker.op_type in _OF_PLACES else maker.input
        if 8 * size > MAX_VALUE_BYTES:
            raise ModelFileError(
                f"its operator {node.op_type.decode()} gives some {size:.0e} values"
            )


def _numbers_inside(node):
    """Return the product of the whole numbers that stand in a `Constant`."""
    if node.op_type != b"Constant":
        return 1
    numbers = [
        number
        for attribute in node.attribute
        for number in [attribute.i, *attribute.ints, *_whole_numbers(attribute.t)]
    ]
    return math.prod(max(abs(number), 1) for number in numbers)


def _check_work(graph, shapes, n_segments):
    """Refuse what needs so many products that it would run for hours."""
    n_products = 0
    for node in graph.node:
        given = max(math.prod(shapes.get(name, ())) for name in node.output)
        taken = [shapes.get(name, ()) for name in node.input]
        n_products += given * _products_per_value(node, taken)
    n_products *= N_SEGMENTS / n_segments
    if n_products > _MAX_PRODUCTS:
        raise ModelFileError(f"it needs {n_products:.1e} products for {N_SEGMENTS} segments")


def _products_per_value(node, taken):
    """Return about how many products each value takes that an operator gives."""
    if node.domain:
        return max(sum(len(attribute.floats) for attribute in node.attribute), 1)
    if node.op_type == b"Conv":
        return math.prod(taken[1][1:])
    if node.op_type in (b"MatMul", b"Gemm"):
        return max(taken[0], default=1)
    if node.op_type in (b"LSTM", b"GRU", b"RNN"):
        return sum(math.prod(shape[-1:]) for shape in taken[1:3]) * 4
    if node.op_type in (b"AveragePool", b"MaxPool"):
        return math.prod(n for a in node.attribute if a.name == b"kernel_shape" for n in a.ints)
    return 1


def _check_divisions(graph, types):
    """Refuse to divide whole numbers by what is not a constant without 0: it ends the process."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == b"Constant" and [part.name for part in node.attribute] == [b"value"]:
            constants[node.output[0]] = node.attribute[0].t
        if node.op_type not in _DIVISIONS or "int" not in types.get(node.output[0], "int"):
            continue
        by = constants.get(node.input[1])
        numbers = [] if by is None else _whole_numbers(by)
        if not numbers or min(numbers) <= 0:
            raise ModelFileError("it divides whole numbers by what may be 0 or less")


def _whole_numbers(tensor):
    """Return the numbers of a constant: none where they are many, or are no int32 or int64."""
    if tensor.data_type not in (6, 7) or math.prod(tensor.dims) > _FEW:
        return []
    if tensor.raw_data:
        return np.frombuffer(tensor.raw_data, "<i8" if tensor.data_type == 7 else "<i4").tolist()
    return list(tensor.int64_data if tensor.data_type == 7 else tensor.int32_data)
