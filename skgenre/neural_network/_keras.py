"""The only module that imports TensorFlow, Keras and SciKeras; imported when a net is needed."""

import os
import random
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from .._progress import make_progress

_MISSING = (
    "This classifier needs TensorFlow and SciKeras; install them: pip install 'skgenre[keras]'"
)
# Nets that are trained in threads draw from the same generators, one at a time.
_seeding = threading.Lock()
# Share of a batch normalisation's initial statistics that is left after one epoch.
_STATISTICS_LEFT_AFTER_EPOCH = 0.01


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
    raise ImportError(_MISSING) from error
if keras.backend.backend() != "tensorflow":
    raise ImportError(
        f"Keras runs on {keras.backend.backend()!r} here, and SciKeras needs TensorFlow; set the "
        "environment variable KERAS_BACKEND=tensorflow before Keras is imported"
    )


def train(
    architecture,
    segments,
    codes,
    weights,
    *,
    n_classes,
    validation,
    epochs,
    batch_size,
    learning_rate,
    patience,
    callbacks,
    seed,
    verbose,
):
    """Build a net and fit it on segments.

    Parameters
    ----------
    architecture : callable
        From the input shape (n_bands, n_frames, 1) and the number of classes to a Keras model.
    segments, codes, weights : ndarray
        Segments (n, n_bands, n_frames), their classes as integers, and their weights.
    validation : tuple of ndarray or None
        The same three for segments that are held out.
    batch_size : int
        The most segments in a step. An epoch has steps of even size, since a small last one would
        dominate the statistics of batch normalisation.
    patience : int or None
        Epochs without a better validation loss after which to stop, with the best weights back.

    Returns
    -------
    model : keras.Model
        The trained net, without its optimizer.
    history : dict of list of float
        Loss and accuracy of each epoch.
    """
    try:
        from scikeras.wrappers import KerasClassifier
    except ImportError as error:
        raise ImportError(_MISSING) from error
    n_steps = -(-len(segments) // batch_size)
    even_batch_size = -(-len(segments) // n_steps)

    def build():
        model = _build_and_check(architecture, segments.shape[1:], n_classes)
        _shorten_batch_norm_memory(model, n_steps)
        model.compile(
            optimizer=keras.optimizers.Adam(learning_rate=learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )
        return model

    if not all(isinstance(callback, keras.callbacks.Callback) for callback in callbacks):
        raise TypeError(f"callbacks must be instances of keras.callbacks.Callback, got {callbacks}")
    if patience is not None:
        stop_early = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        callbacks = [*callbacks, stop_early]
    if verbose:
        callbacks = [*callbacks, _progress_bar(epochs)]
    fit_params = {}
    if validation is not None:
        held_out, held_out_codes, held_out_weights = validation
        fit_params["validation_data"] = (_images(held_out), held_out_codes, held_out_weights)
    learner = KerasClassifier(model=build, verbose=0)
    with _seeding, _seeded(seed), _quiet():
        learner.initialize(_images(segments[:1]), codes[:1])
        learner.model_.fit(
            _images(segments),
            codes,
            sample_weight=weights,
            epochs=epochs,
            batch_size=even_batch_size,
            callbacks=callbacks,
            verbose=0,
            **fit_params,
        )
    model = learner.model_
    history = {name: [float(v) for v in values] for name, values in model.history.history.items()}
    model.optimizer = None
    return model, history


def predict(model, segments, batch_size):
    """Return the probabilities of segments, (n, n_classes)."""
    images = _images(segments)
    if len(images) <= batch_size:
        return np.asarray(model(images, training=False))
    with _quiet():
        return model.predict(images, batch_size=batch_size, verbose=0)


def to_bytes(model):
    """Return a model as the bytes of a ``.keras`` file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        model.save(path)
        return path.read_bytes()


def from_bytes(data):
    """Return the model that `to_bytes` was given."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        return keras.saving.load_model(path, compile=False)


def rebuild(architecture, segment_shape, n_classes, weights):
    """Return an architecture's model with given weights."""
    with _seeding, _seeded(0):
        model = _build_and_check(architecture, segment_shape, n_classes)
    model.set_weights(weights)
    return model


def _images(segments):
    return segments[..., np.newaxis]


def _build_and_check(architecture, segment_shape, n_classes):
    input_shape = (*segment_shape, 1)
    model = architecture(input_shape, n_classes)
    if not isinstance(model, keras.Model):
        raise TypeError(f"The architecture must return a keras.Model, got {type(model).__name__}")
    output = np.asarray(model(np.zeros((2, *input_shape), dtype=np.float32)))
    if output.shape != (2, n_classes) or not np.allclose(output.sum(axis=1), 1, atol=1e-3):
        raise ValueError(
            f"The architecture gives {output.tolist()} for two silent segments; expected "
            f"{n_classes} probabilities for each, as from a softmax"
        )
    return model


def _shorten_batch_norm_memory(model, steps_per_epoch):
    """Let batch normalisation forget its initial statistics within about an epoch.

    Keras' momentum of 0.99 asks for several hundred steps. With a few dozen songs there are far
    fewer, and the net would then normalise by values that it never saw.
    """
    longest = _STATISTICS_LEFT_AFTER_EPOCH ** (1 / steps_per_epoch)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, longest)


@contextmanager
def _seeded(seed):
    """Seed every generator that Keras draws from, and give Python's and NumPy's back after."""
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        keras.utils.set_random_seed(seed)
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002


@contextmanager
def _quiet():
    """Keep TensorFlow from warning that each new net is traced anew."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)


def _progress_bar(epochs):
    """Return a callback that shows epochs, the last loss and the time left."""
    progress = make_progress()
    task = progress.add_task("training", total=epochs, info="")

    def advance(epoch, logs):
        names = ("loss", "accuracy", "val_accuracy")
        shown = "  ".join(f"{name} {logs[name]:.3f}" for name in names if name in logs)
        progress.update(task, advance=1, info=shown)

    return keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: progress.start(),
        on_epoch_end=advance,
        on_train_end=lambda logs: progress.stop(),
    )
