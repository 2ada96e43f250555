import numpy as np
import pytest


@pytest.fixture
def save_net():
    """Return a function that writes a net of one product, with a tanh, to an ONNX file."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper

    def save(path, shape, outputs, *, batch="batch", metadata=None, change=None):
        """Write a net whose outputs are products of the mean over all but the last axis.

        Returns the matrix of each output, from the last axis to its values.
        """
        rng = np.random.default_rng(0)
        axes = numpy_helper.from_array(np.arange(1, len(shape)), "axes")
        nodes = [helper.make_node("Identity", ["input"], ["mean"])]
        if len(shape) > 1:
            nodes = [helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0)]
        matrices = {
            name: rng.normal(size=(shape[-1], width)).astype(np.float32)
            for name, width in outputs.items()
        }
        nodes += [helper.make_node("MatMul", ["mean", f"m_{name}"], [name]) for name in outputs]
        describe = helper.make_tensor_value_info
        kind = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            nodes,
            "net",
            [describe("input", kind, [batch, *shape])],
            [describe(name, kind, [batch, width]) for name, width in outputs.items()],
            [axes, *(numpy_helper.from_array(m, f"m_{name}") for name, m in matrices.items())],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8
        )
        helper.set_model_props(model, metadata or {})
        if change is not None:
            change(model)
        path.write_bytes(model.SerializeToString())
        return matrices

    return save
