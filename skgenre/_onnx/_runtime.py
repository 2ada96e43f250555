"""onnxruntime, as our nets use it: a thread, a limit of memory, and nothing on standard error."""

import re

import numpy as np

try:
    import onnxruntime
except ImportError as error:
    raise ImportError("Nets in ONNX files need onnxruntime: pip install onnxruntime") from error

# What the values inside a net may take, all together.
_MAX_BYTES = 4 * 2**30
_SILENT = 4
_NO_MEMORY = re.compile("Failed to allocate memory|Available memory of|bad_alloc|bad allocation")
# as large as what is asked for, not the next power of two
_EXTEND_AS_ASKED = 1


class NetError(ValueError):
    """A net that cannot be opened or run, with what onnxruntime says of it."""


def open_session(data, *, optimize=True):
    """Return a session of a net, from the bytes of its file, that computes in one thread.

    Its runs may be called from several threads at a time. Without ``optimize``, nothing is computed
    before.
    """
    options = onnxruntime.SessionOptions()
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    options.log_severity_level = _SILENT
    # other formats are known by their first bytes, and were not looked at
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if _memory_is_limited():
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each kind, and no common one
        raise NetError(_short(error)) from error


def run(session, outputs, inputs):
    """Return some outputs of a net, as arrays."""
    options = onnxruntime.RunOptions()
    options.log_severity_level = _SILENT
    try:
        return [np.asarray(values) for values in session.run(outputs, inputs, options)]
    except Exception as error:  # as above
        raise NetError(_short(error)) from error


_allocator: list = []


def _memory_is_limited():
    """Limit the memory of all our sessions together. Return False where it cannot be limited."""
    if not _allocator:
        place = onnxruntime.OrtMemoryInfo(
            "Cpu",
            onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR,
            0,
            onnxruntime.OrtMemType.DEFAULT,
        )
        settings = onnxruntime.OrtArenaCfg(
            {"max_mem": _MAX_BYTES, "arena_extend_strategy": _EXTEND_AS_ASKED}
        )
        try:
            onnxruntime.create_and_register_allocator(place, settings)
        except Exception:  # the process has one already, which then has its own limit
            _allocator.append(False)
        else:
            _allocator.append(True)
    return _allocator[0]


def _short(error):
    """Return what onnxruntime says, without the place in its own source."""
    text = str(error)
    if _NO_MEMORY.search(text):
        return f"its values take more than {_MAX_BYTES / 2**30:g} GiB; lower batch_size"
    return f"onnxruntime says: {text.split('Status Message: ')[-1].strip()[:300]}"
