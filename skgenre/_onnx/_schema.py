"""The fields of an ONNX file that are looked at, and changed, without onnxruntime.

Protocol buffers keep the fields that a description leaves out as they are, so this one does without
the package ``onnx``. The numbers are those of onnx.proto.
"""

import os
from functools import lru_cache

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_KINDS = descriptor_pb2.FieldDescriptorProto
_SCALARS: dict = {
    # as bytes: what is no UTF-8 is not for us to judge
    str: _KINDS.TYPE_BYTES,
    int: _KINDS.TYPE_INT64,
    float: _KINDS.TYPE_FLOAT,
    "double": _KINDS.TYPE_DOUBLE,
}
# message: {field: (number, message or the type of what it holds, whether it is a list)}
_MESSAGES: dict = {
    "Entry": {"key": (1, str, False), "value": (2, str, False)},
    "Tensor": {
        "dims": (1, int, True),
        "data_type": (2, int, False),
        "float_data": (4, float, True),
        "int32_data": (5, int, True),
        "string_data": (6, str, True),
        "int64_data": (7, int, True),
        "name": (8, str, False),
        "raw_data": (9, str, False),
        "double_data": (10, "double", True),
        "external_data": (13, "Entry", True),
        "data_location": (14, int, False),
    },
    "SparseTensor": {"values": (1, "Tensor", False), "indices": (2, "Tensor", False)},
    "Attribute": {
        "name": (1, str, False),
        "f": (2, float, False),
        "i": (3, int, False),
        "s": (4, str, False),
        "t": (5, "Tensor", False),
        "g": (6, "Graph", False),
        "tensors": (10, "Tensor", True),
        "floats": (7, float, True),
        "ints": (8, int, True),
        "strings": (9, str, True),
        "graphs": (11, "Graph", True),
        "sparse_tensor": (22, "SparseTensor", False),
        "type": (20, int, False),
        "ref_attr_name": (21, str, False),
        "sparse_tensors": (23, "SparseTensor", True),
    },
    "Node": {
        "input": (1, str, True),
        "output": (2, str, True),
        "name": (3, str, False),
        "op_type": (4, str, False),
        "attribute": (5, "Attribute", True),
        "domain": (7, str, False),
    },
    "Dimension": {"dim_value": (1, int, False), "dim_param": (2, str, False)},
    "Shape": {"dim": (1, "Dimension", True)},
    "TensorType": {"elem_type": (1, int, False), "shape": (2, "Shape", False)},
    "Type": {"tensor_type": (1, "TensorType", False)},
    "Value": {"name": (1, str, False), "type": (2, "Type", False)},
    "Graph": {
        "node": (1, "Node", True),
        "initializer": (5, "Tensor", True),
        "input": (11, "Value", True),
        "output": (12, "Value", True),
        "value_info": (13, "Value", True),
        "sparse_initializer": (15, "SparseTensor", True),
    },
    "Function": {"node": (7, "Node", True), "attribute_proto": (11, "Attribute", True)},
    "Opset": {"domain": (1, str, False), "version": (2, int, False)},
    "Model": {
        "ir_version": (1, int, False),
        "graph": (7, "Graph", False),
        "opset_import": (8, "Opset", True),
        "metadata_props": (14, "Entry", True),
        "functions": (25, "Function", True),
    },
}


def parse(data):
    """Return what an ONNX file's bytes hold; raises a `ValueError` where they are no such file."""
    model = _model_class()()
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ValueError("it is no ONNX file, or was cut off") from error
    if not model.ir_version or not model.graph.node:
        raise ValueError("it is no ONNX file: it has no graph")
    return model


def find_external_data(message):
    """Return the places of tensors that lie in other files."""
    fields = _MESSAGES[message.DESCRIPTOR.name]
    if "external_data" in fields and (message.external_data or message.data_location):
        places = [entry.value for entry in message.external_data if entry.key == b"location"]
        return [os.fsdecode(place) for place in places] or ["?"]
    found = []
    for field, value in message.ListFields():
        if field.message_type is not None:
            parts = value if fields[field.name][2] else [value]
            found += [place for part in parts for place in find_external_data(part)]
    return found


@lru_cache(maxsize=1)
def _model_class():
    """Return the class of messages that hold a model."""
    package = "skgenre.onnx"
    file = descriptor_pb2.FileDescriptorProto(
        name="skgenre/onnx.proto", package=package, syntax="proto2"
    )
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, is_list) in fields.items():
            described = message.field.add(name=field, number=number)
            described.label = _KINDS.LABEL_REPEATED if is_list else _KINDS.LABEL_OPTIONAL
            if kind in _SCALARS:
                described.type = _SCALARS[kind]
                described.options.packed = is_list and kind is not str
            else:
                described.type = _KINDS.TYPE_MESSAGE
                described.type_name = f".{package}.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.Model"))
