"""The ways in which model files are broken: their bytes, their fields, what they say."""

import json
import math
import struct

from skgenre._onnx._schema import parse
from skgenre.persistence._format import seal

INTEGERS = [
    *(0, 1, -1, 2, 3, 7, 11, 127, 255, 2**15, 2**16, 2**20, 2**24, 2**28, 2**31 - 1, 2**31),
    *(2**32 + 1, 2**40, 2**62, 2**63 - 1, -(2**31), -(2**63), -2, -100),
]
FLOATS = [0.0, -0.0, 1.0, -1.0, 1e-38, 1e-45, 3e38, -3e38, 1e10, math.inf, -math.inf, math.nan]
VALUES: list = [
    *(None, True, False, "", "nan", "\x00", "\x1b[2J", "a" * 100_000, "\ud800", "../../etc/passwd"),
    *([], {}, [[]], [1] * 5000, {"a": {}}, 0, -1, 1, 2, 10**9, 2**63, 1e308, -1e308, 1e-308, 0.5),
]
OF_BYTES = ("flipped", "cut", "zeros", "moved", "inserted", "extreme")
# Of the changes, which the seal does not let through.
UNSEALED = tuple(f"{how}, old seal" for how in OF_BYTES)
HOW = (*UNSEALED, *(f"{how}, new seal" for how in OF_BYTES), "fields", "metadata", "nodes")


def break_file(data, how, rng):
    """Return a file that is broken in some way.

    Parameters
    ----------
    data : bytes
        A good file.
    how : str
        One of `HOW`.
    rng : random.Random
    """
    model = parse(data)
    if how == "fields":
        for _ in range(rng.choice([1, 1, 1, 2, 4])):
            change_field(_choose_part(model, rng), rng)
    elif how == "nodes":
        for _ in range(rng.choice([1, 1, 2, 3])):
            change_nodes(model.graph, rng)
    elif how == "metadata":
        change_metadata(model, rng)
    else:
        kind, _, sealed = how.partition(", ")
        if sealed == "old seal":
            return change_bytes(data, kind, rng)
        return seal(change_bytes(_serialize(model), kind, rng))
    return seal(_serialize(model))


def _serialize(model):
    """Return the bytes of a model without its seal."""
    if model.metadata_props and model.metadata_props[-1].key == b"content_sha256":
        del model.metadata_props[-1]
    return model.SerializeToString()


def change_bytes(data, kind, rng):
    changed, place = bytearray(data), rng.randrange(len(data))
    size = min(rng.choice([1, 4, 16, 1000]), len(data) - place)
    if kind == "flipped":
        for _ in range(rng.choice([1, 1, 3, 30])):
            changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "cut":
        del changed[place:]
    elif kind == "zeros":
        changed[place : place + size] = bytes(size)
    elif kind == "moved":
        other = rng.randrange(len(data))
        changed[place : place + size] = data[other : other + size]
    elif kind == "inserted":
        changed[place:place] = rng.randbytes(size)
    else:
        packed = struct.pack("<q", rng.choice(INTEGERS))
        changed[place : place + len(packed)] = packed
    return bytes(changed)


def _choose_part(model, rng):
    """Return a message to change, most often one that decides what is computed."""
    graph = model.graph
    nodes = rng.sample([*graph.node], min(4, len(graph.node)))
    constants = rng.sample([*graph.initializer], min(2, len(graph.initializer)))
    attributes = [attribute for node in nodes for attribute in node.attribute]
    return rng.choice([model, graph, *nodes, *attributes, *constants])


def change_field(message, rng):
    """Change one value somewhere inside a message."""
    while True:
        fields = [field for field, _ in message.ListFields()]
        if not fields or rng.random() < 0.05:
            fields = list(message.DESCRIPTOR.fields)
        field = rng.choice(fields)
        is_list = _is_list(field)
        held = getattr(message, field.name)
        if field.message_type is None:
            _change_scalar(message, field, rng)
            return
        if not is_list:
            message = held
            continue
        if not held or rng.random() < 0.1:
            _change_list(held, rng)
            return
        message = rng.choice(held)


def _is_list(field):
    return field.is_repeated if hasattr(field, "is_repeated") else field.label == 3


def _change_list(held, rng):
    action = rng.choice(["more", "less", "swap", "empty"])
    if action == "more" or not held:
        new = held.add()
        if len(held) > 1:
            new.CopyFrom(rng.choice(held[:-1]))
    elif action == "less":
        del held[rng.randrange(len(held))]
    elif action == "swap":
        held.reverse()
    else:
        del held[:]


def _new_value(field, old, rng):
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice(FLOATS)
    if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64):
        near = [old - 1, old + 1, 2 * old] if isinstance(old, int) and abs(old) < 2**60 else []
        return rng.choice([*INTEGERS, *near])
    old = old if isinstance(old, bytes) else b""
    kind = rng.choice(["text", "shorter", "longer", "changed"])
    if kind == "text" or not old:
        return rng.choice([b"", b"\0", b"\xff\xfe", b"features", b"waveform", b"x" * 1000, b"Loop"])
    if kind == "shorter":
        return old[: rng.randrange(len(old))]
    return old + old[:8] if kind == "longer" else change_bytes(old, "flipped", rng)


def _change_scalar(message, field, rng):
    held = getattr(message, field.name)
    if not _is_list(field):
        setattr(message, field.name, _new_value(field, held, rng))
    elif not held or rng.random() < 0.2:
        held.append(_new_value(field, None, rng))
    elif rng.random() < 0.2:
        del held[rng.randrange(len(held))]
    else:
        place = rng.randrange(len(held))
        held[place] = _new_value(field, held[place], rng)


def change_nodes(graph, rng):
    """Wire operators differently, or take other ones."""
    if not graph.node:
        return
    node, other = rng.choice(graph.node), rng.choice(graph.node)
    action = rng.choice(["input", "input", "kind", "attributes", "drop", "attribute", "constant"])
    names = [name for each in graph.node for name in [*each.input, *each.output]]
    if action == "input" and node.input:
        node.input[rng.randrange(len(node.input))] = rng.choice(names)
    elif action == "kind":
        node.op_type, node.domain = other.op_type, other.domain
    elif action == "attributes":
        held = [type(attribute)() for attribute in other.attribute]
        for copy, attribute in zip(held, other.attribute, strict=True):
            copy.CopyFrom(attribute)
        del node.attribute[:]
        node.attribute.extend(held)
    elif action == "drop":
        graph.node.remove(node)
    elif action == "attribute" and node.attribute:
        change_field(rng.choice(node.attribute), rng)
    elif graph.initializer:
        _change_constant(rng.choice(graph.initializer), rng)


def _change_constant(tensor, rng):
    """Put other numbers in a constant, as many as before."""
    if tensor.data_type == 7 and len(tensor.raw_data) >= 8:
        numbers = list(memoryview(tensor.raw_data[: len(tensor.raw_data) // 8 * 8]).cast("q"))
        numbers[rng.randrange(len(numbers))] = rng.choice(INTEGERS)
        tensor.raw_data = struct.pack(f"<{len(numbers)}q", *numbers)
    elif tensor.raw_data:
        tensor.raw_data = change_bytes(tensor.raw_data, "flipped", rng)


def change_metadata(model, rng):
    entry = rng.choice(model.metadata_props)
    try:
        value = json.loads(entry.value)
    except ValueError:
        value = None
    if value is None or rng.random() < 0.1:
        entry.value = rng.choice([b"", b"NaN", b"[" * 5000, b"\xff", b"2", b"{}", b"1e999"])
        return
    text = json.dumps(_change_json(value, rng))
    entry.value = text.encode()


def _change_json(value, rng):
    if not value or not isinstance(value, list | dict) or rng.random() < 0.1:
        return rng.choice([*VALUES, _near(value, rng)])
    changed = dict(value) if isinstance(value, dict) else list(value)
    key = rng.choice([*changed]) if isinstance(changed, dict) else rng.randrange(len(changed))
    action = rng.random()
    if action < 0.1:
        del changed[key]
    elif action < 0.15 and isinstance(changed, dict):
        changed[rng.choice(["model", "cache", "new", "window", "n_segments"])] = rng.choice(VALUES)
    elif action < 0.2 and isinstance(changed, list):
        changed = changed * rng.choice([2, 100])
    else:
        changed[key] = _change_json(changed[key], rng)
    return changed


def _near(value, rng):
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return rng.choice([value * 2, value / 2, -value, value + 1, value * 1000, value // 1000])
