"""TensorFlow and Keras, as our nets use them; imported when a net is needed."""

import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from .._forks import note_use, refuse_if_lost
from .._seeding import global_generators_kept

LIBRARY = "TensorFlow"

MISSING = (
    "This classifier needs TensorFlow and SciKeras; install them: pip install 'skgenre[keras]'"
)
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}


@contextmanager
def _native_stderr_closed():
    """Drop what native code writes to standard error: TensorFlow greets there when it starts."""
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


# joblib tells its workers how many threads they may use by this variable, which TensorFlow's own
# pool does not read.
if "OMP_NUM_THREADS" in os.environ:
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", os.environ["OMP_NUM_THREADS"])
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    with _native_stderr_closed():
        import keras
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            with suppress(RuntimeError):  # already in use
                tf.config.experimental.set_memory_growth(gpu, True)
except ImportError as error:
    raise ImportError(MISSING) from error
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Keras runs on {keras.backend.backend()!r} here, and SciKeras needs TensorFlow; set the "
        "environment variable KERAS_BACKEND=tensorflow before Keras is imported"
    )


def has_gpu():
    """Tell whether there is a GPU that TensorFlow uses."""
    return bool(tf.config.list_physical_devices("GPU"))


def build(architecture, input_shape, n_classes, precision):
    """Return a new net of an architecture that computes in a precision."""
    note_use(LIBRARY)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(POLICIES[precision])
    try:
        model = architecture(input_shape, n_classes)
    finally:
        keras.config.set_dtype_policy(policy)
    if not isinstance(model, keras.Model):
        raise TypeError(f"The architecture must return a keras.Model, got {type(model).__name__}")
    return model


def check_probabilities(model, input_shape, n_classes):
    """Refuse a net, of a user, that does not give probabilities; it is built if it was not."""
    output = np.asarray(model(np.zeros((2, *input_shape), dtype=np.float32)), dtype=np.float32)
    if output.shape != (2, n_classes) or not np.allclose(output.sum(axis=1), 1, atol=1e-2):
        raise ValueError(
            f"The architecture gives {output.tolist()} for two silent segments; expected "
            f"{n_classes} probabilities for each, as from a softmax"
        )


def predict(model, segments, batch_size):
    """Return what a net gives for segments, (n, n_outputs)."""
    refuse_if_lost(LIBRARY)
    images = segments[..., np.newaxis]
    if len(images) <= batch_size:
        return np.asarray(model(images, training=False), dtype=np.float32)
    with quiet():
        return model.predict(images, batch_size=batch_size, verbose=0).astype(
            np.float32, copy=False
        )


def without_head(model):
    """Return the part of a net that ends before its last layer with weights."""
    refuse_if_lost(LIBRARY)
    head = next(layer for layer in reversed(model.layers) if layer.weights)
    try:
        return keras.Model(model.inputs[0], head.input)
    except (AttributeError, ValueError) as error:
        raise TypeError(
            f"The layer before the head of {type(model).__name__} cannot be found; the "
            "architecture must return a keras.Sequential or a functional keras.Model"
        ) from error


def split_frozen(model):
    """Return the frozen model that a net begins with, and a net of the layers after it.

    The second one takes what the first gives as images of one column. A net that does not begin so
    is returned whole, after None. The layers must follow each other in a line.
    """
    base = model.layers[1]
    if not isinstance(base, keras.Model) or base.trainable:
        return None, model
    shape = base.output_shape[1:]
    rest = [keras.Input((*shape, 1, 1)), keras.layers.Reshape(shape), *model.layers[2:]]
    return base, keras.Sequential(rest)


def to_bytes(model):
    """Return a model as the bytes of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


def from_bytes(data):
    """Return the model that `to_bytes` was given."""
    note_use(LIBRARY)
    from .architectures import _layers  # noqa: F401 - Keras then knows our layers

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False)


def rebuild(architecture, segment_shape, n_classes, precision, weights):
    """Return the net of a user's architecture with given weights."""
    input_shape = (*segment_shape, 1)
    with seeded(0):
        model = build(architecture, input_shape, n_classes, precision)
        check_probabilities(model, input_shape, n_classes)
    model.set_weights(weights)
    return model


@contextmanager
def seeded(seed):
    """Seed every generator that Keras draws from, and give Python's and NumPy's back after."""
    with global_generators_kept():
        keras.utils.set_random_seed(seed)
        yield


@contextmanager
def quiet():
    """Keep TensorFlow from warning that each new net is traced anew."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
