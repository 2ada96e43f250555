"""What a model file is refused for before onnxruntime sees it."""

import math

import numpy as np

from .._names import printable
from .._onnx._schema import find_external_data, parse
from ._format import IR_VERSION, OPSETS, ModelFileError, is_sealed

# What a file may hold: what our own nets, skl2onnx and tf2onnx write. None has graphs inside it.
_ONNX = """
    Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CastLike Ceil Clip Concat Constant
    ConstantOfShape Conv Cos Div Dropout Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather
    GatherElements GatherND Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid
    Identity InstanceNormalization LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax
    LpNormalization MatMul Max MaxPool Mean Min Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow RNN
    Range Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
    ReduceSum ReduceSumSquare Relu Reshape ReverseSequence Round STFT Selu Shape Sigmoid Sign Sin
    Slice Softmax Softplus Softsign Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose Trilu
    Unsqueeze Where Xor IsInf IsNaN
"""
_ONNX_ML = """
    ArrayFeatureExtractor Binarizer LinearClassifier LinearRegressor Normalizer SVMClassifier
    SVMRegressor Scaler TreeEnsembleClassifier TreeEnsembleRegressor
"""
OPERATORS = {"": frozenset(_ONNX.split()), "ai.onnx.ml": frozenset(_ONNX_ML.split())}
# From which input on an operator may go without; others crash onnxruntime if one has no name.
_OPTIONAL = {b"Clip": 1, b"GRU": 3, b"LSTM": 3, b"Pad": 2, b"RNN": 3, b"Slice": 3}
_MAX_NODES = 100_000
_MAX_ENTRIES = 100
_MAX_AXES = 8
# What one value, or what one attribute asks for, may take.
MAX_VALUE_BYTES = 2**29
# by the numbers of onnx.proto: the type, and the field that holds it where no raw data does
_DTYPES: dict = {
    1: ("<f4", "float_data"),
    2: ("u1", "int32_data"),
    3: ("i1", "int32_data"),
    6: ("<i4", "int32_data"),
    7: ("<i8", "int64_data"),
    9: ("?", "int32_data"),
    10: ("<f2", "int32_data"),
    11: ("<f8", "double_data"),
}
_DATA_FIELDS = {field for _, field in _DTYPES.values()} | {"string_data"}
# Attributes of windows, which divide and count.
_POSITIVE = {b"kernel_shape", b"strides", b"dilations", b"group", b"hidden_size"}


def read_model(data):
    """Return what the bytes of a model file hold, as far as it can be looked at here.

    Returns
    -------
    model : message
        Of the fields that were looked at, and no others.
    props : dict of str
        The metadata.

    Raises
    ------
    ModelFileError
        If it is no model file, or one that cannot be trusted.
    """
    if not is_sealed(data):
        raise ModelFileError(
            "it is not a model file of skgenre, or is damaged: its content does not match the "
            "checksum at its end. Download it or export the model again"
        )
    model = parse(data)
    model.DiscardUnknownFields()
    props = _read_props(model)
    _check_versions(model)
    places = find_external_data(model)
    if places:
        raise ModelFileError(
            f"its weights lie in other files ({printable(places[0])}), which are not opened"
        )
    _check_graph(model.graph)
    return model, props


def _read_props(model):
    if len(model.metadata_props) > _MAX_ENTRIES:
        raise ModelFileError(f"its metadata has more than {_MAX_ENTRIES} entries")
    try:
        entries = [(entry.key.decode(), entry.value.decode()) for entry in model.metadata_props]
    except UnicodeDecodeError as error:
        raise ModelFileError(f"its metadata is no UTF-8 text: {error.reason}") from error
    props = dict(entries)
    if len(props) < len(entries):
        raise ModelFileError("its metadata has an entry twice")
    return props


def _check_versions(model):
    opsets = [
        (opset.domain.decode(errors="replace"), opset.version) for opset in model.opset_import
    ]
    for domain, version in opsets:
        if OPSETS.get(domain) != version:
            raise ModelFileError(
                f"it needs operators of {printable(domain or 'ai.onnx')!r} in version {version}; "
                "read are " + ", ".join(f"{name or 'ai.onnx'} {n}" for name, n in OPSETS.items())
            )
    if "" not in dict(opsets) or len(dict(opsets)) < len(opsets):
        raise ModelFileError("it does not say, once, which version of operators it needs")
    if model.ir_version != IR_VERSION:
        raise ModelFileError(
            f"it is written in version {model.ir_version} of ONNX's format; read is {IR_VERSION}"
        )
    if model.functions:
        raise ModelFileError("it has functions of its own, which are not run")


def _check_graph(graph):
    if len(graph.node) > _MAX_NODES:
        raise ModelFileError(f"it has more than {_MAX_NODES} operators")
    if graph.sparse_initializer:
        raise ModelFileError("it has sparse constants, which are not read")
    known = [value.name for value in graph.input] + [t.name for t in graph.initializer]
    names = set(known)
    for tensor in graph.initializer:
        _check_tensor(tensor)
    for node in graph.node:
        _check_operator(node)
        if not all(node.input[: _OPTIONAL.get(node.op_type)]):
            raise ModelFileError(f"{_call(node)} lacks an input that it cannot do without")
        missing = [name for name in node.input if name and name not in names]
        if missing:
            raise ModelFileError(
                f"{_call(node)} takes {_show(missing[0])}, which nothing before it gives"
            )
        given = [name for name in node.output if name]
        if not given:
            raise ModelFileError(f"{_call(node)} gives nothing")
        known += given
        names.update(given)
    if len(names) < len(known) or b"" in names:
        raise ModelFileError("it has a value without a name, or two of one name")
    for value in graph.output:
        if value.name not in names:
            raise ModelFileError(f"its output {_show(value.name)} is given by nothing")


def _check_operator(node):
    domain = node.domain.decode(errors="replace")
    if domain not in OPERATORS:
        raise ModelFileError(f"it has operators of another domain, {printable(domain)!r}")
    if node.op_type.decode(errors="replace") not in OPERATORS[domain]:
        raise ModelFileError(f"it has the operator {_show(node.op_type)}, which is not run")
    names = [attribute.name for attribute in node.attribute]
    if len(set(names)) < len(names):
        raise ModelFileError(f"{_call(node)} has an attribute twice")
    for attribute in node.attribute:
        _check_attribute(node, attribute)
    if domain:
        # only here: few files have such nodes
        from ._ml_operators import check_ml

        check_ml(node)


def _check_attribute(node, attribute):
    kinds = (attribute.graphs, attribute.tensors, attribute.sparse_tensors, attribute.ref_attr_name)
    if any(kinds) or attribute.HasField("g") or attribute.HasField("sparse_tensor"):
        raise ModelFileError(f"{_call(node)} has graphs, or constants that are not read, inside it")
    if attribute.HasField("t"):
        _check_tensor(attribute.t)
    if attribute.name in _POSITIVE:
        values = [*attribute.ints, *([attribute.i] if attribute.HasField("i") else [])]
        if any(not 0 < value <= 2**20 for value in values):
            raise ModelFileError(f"{_call(node)} has {_show(attribute.name)} of {values[:9]}")
    if attribute.name == b"pads" and any(not 0 <= pad <= 2**16 for pad in attribute.ints):
        raise ModelFileError(f"{_call(node)} has pads of {list(attribute.ints)[:9]}")


def _check_tensor(tensor):
    """Refuse constants that do not hold as many numbers as they say."""
    name = _show(tensor.name)
    if tensor.data_type not in _DTYPES:
        raise ModelFileError(
            f"its constant {name} is of type {tensor.data_type}, which is not read"
        )
    dims = list(tensor.dims)
    if len(dims) > _MAX_AXES or any(not 0 <= size < 2**31 for size in dims):
        raise ModelFileError(f"its constant {name} has the shape {dims[:_MAX_AXES]}")
    dtype, field = _DTYPES[tensor.data_type]
    filled = [other for other in _DATA_FIELDS if len(getattr(tensor, other))]
    n_values = math.prod(dims)
    if tensor.HasField("raw_data") and not filled:
        is_whole = len(tensor.raw_data) == n_values * np.dtype(dtype).itemsize
    else:
        is_whole = not tensor.raw_data and len(getattr(tensor, field)) == n_values
        is_whole = is_whole and set(filled) <= {field}
    if not is_whole:
        raise ModelFileError(f"its constant {name} does not hold what its shape {dims} says")


def _call(node):
    return f"an operator {_show(node.op_type)}"


def _show(name):
    return repr(printable(name[:100].decode(errors="replace")))
