"""torch and transformers, as our models use them."""

import logging
import os
import random
import re
import warnings
from contextlib import contextmanager

import numpy as np

from .._seeding import global_generators_kept

MISSING = (
    "Wav2VecEmbedder and Wav2VecClassifier need torch and transformers; install them: "
    "pip install 'skgenre[wav2vec]'"
)

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
# transformers would else ask the hub for a converted copy, in a thread that outlives the call
os.environ.setdefault("DISABLE_SAFETENSORS_CONVERSION", "1")
try:
    import huggingface_hub
    import torch
    import transformers
except ImportError as error:
    raise ImportError(MISSING) from error

# the variable is not read again where the library was imported before
huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY = True

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
# Values of oneDNN's limit under which it does without the CPU's bfloat16.
_LIMITS_WITHOUT_BFLOAT16 = {
    "SSE41",
    "AVX",
    "AVX2",
    "AVX2_VNNI",
    "AVX2_VNNI_2",
    "AVX512_CORE",
    "AVX512_CORE_VNNI",
}
_NO_MEMORY = re.compile("out of memory|can't allocate memory", re.IGNORECASE)


def find_device(device):
    """Return the torch device of a name; of ``"auto"``, a GPU if there is one."""
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(device)
        torch.empty(0, device=device)
    except (AssertionError, RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"device={str(device)!r} is not there; set device='auto'. torch says: {error}"
        ) from error
    return device


def find_precision(precision, device):
    """Return the name of a precision; of ``"auto"``, what the device computes faster in."""
    if precision != "auto":
        return precision
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float16"
    return "bfloat16" if device.type == "cpu" and has_bfloat16() else "float32"


def has_bfloat16():
    """Return whether torch multiplies matrices of bfloat16 by instructions of the CPU."""
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper()
    return limit not in _LIMITS_WITHOUT_BFLOAT16 and (
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def autocast(device, precision):
    """Return a context in which matrix products have a precision."""
    dtype = PRECISIONS[precision]
    return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)


@contextmanager
def quiet():
    """Keep transformers and the hub from reporting and from showing progress."""
    reports = transformers.utils.logging
    verbosity, shows_progress = reports.get_verbosity(), reports.is_progress_bar_enabled()
    hub = logging.getLogger("huggingface_hub")
    level = hub.level
    reports.set_verbosity_error()
    reports.disable_progress_bar()
    hub.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # of the published filters of spectrogram models
            warnings.filterwarnings("ignore", "At least one mel filter", UserWarning)
            yield
    finally:
        reports.set_verbosity(verbosity)
        if shows_progress:
            reports.enable_progress_bar()
        hub.setLevel(level)


@contextmanager
def seeded(*entropy):
    """Seed every generator that training draws from, and give them back after.

    SpecAugment draws from NumPy's, and torch's alone would not make a training repeat.
    """
    seed = int(np.random.SeedSequence(entropy).generate_state(1)[0])
    devices = range(torch.cuda.device_count())
    with global_generators_kept(), torch.random.fork_rng(devices):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        yield


def is_out_of_memory(error):
    """Tell whether an error says that a device has no memory left."""
    is_raised = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return is_raised or bool(isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)))


@contextmanager
def memory_advice(advice):
    """Raise a `MemoryError` that tells what to change where the device has no memory left."""
    try:
        yield
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise MemoryError(f"Out of memory: {advice}. torch says: {error}") from error
        raise
