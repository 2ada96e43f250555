"""The weights in an ONNX file, for nets that learn on in another library."""

import numpy as np

from ._net import open_net
from ._schema import parse

# as onnx.proto numbers them
_DTYPES: dict = {1: "<f4", 10: "<f2"}


def read_weights(model):
    """Return the floating-point constants of a net.

    Parameters
    ----------
    model : str or path-like
        A bundled name or the path of an ONNX file.

    Returns
    -------
    weights : dict of ndarray, dtype float32
        By the names that they have in the file.
    """
    graph = parse(open_net(model).data).graph
    tensors = [tensor for tensor in graph.initializer if tensor.data_type in _DTYPES]
    return {tensor.name.decode(): _as_array(tensor) for tensor in tensors}


def _as_array(tensor):
    if tensor.raw_data:
        values = np.frombuffer(tensor.raw_data, _DTYPES[tensor.data_type])
    else:
        values = np.array(tensor.float_data, dtype=np.float32)
    return values.reshape(tensor.dims).astype(np.float32)
