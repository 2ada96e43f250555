import time
import warnings
from contextlib import contextmanager

import numpy as np
from joblib.parallel import get_active_backend

from .._bags import take_segments
from .._divergence import FiniteCheck
from .._forks import note_use
from .._progress import make_progress
from ._batches import SegmentBatches
from ._keras import (
    LIBRARY,
    MISSING,
    build,
    check_probabilities,
    has_gpu,
    keras,
    predict,
    quiet,
    seeded,
    split_frozen,
)

# Share of a batch normalisation's initial statistics that is left after one epoch.
_STATISTICS_LEFT_AFTER_EPOCH = 0.01


def train(
    architecture,
    songs,
    *,
    is_named,
    model,
    n_classes,
    validation,
    precision,
    epochs,
    batch_size,
    learning_rate,
    learning_rate_schedule,
    early_stopping,
    patience,
    augmentation,
    callbacks,
    seed,
    verbose,
):
    """Build a net and fit it on segments.

    Parameters
    ----------
    architecture : callable
        From the input shape (n_bands, n_frames, 1) and the number of classes to a Keras model.
    songs : tuple
        Segments, a sequence of arrays (n_bands, n_frames), their classes as integers, and their
        weights.
    is_named : bool
        Whether the architecture is one of ours, which need no check.
    model : keras.Model or None
        A trained net to go on with, in place of a new one. It is as before if this fails.
    validation : tuple or None
        The same as ``songs``, for those that are held out.
    augmentation : dict
        Keyword arguments of `SegmentBatches`.

    Returns
    -------
    model : keras.Model
        The trained net, without its optimizer.
    history : dict of list of float
        Loss and accuracy of each epoch, and the seconds that it took.

    Raises
    ------
    FloatingPointError
        If a loss, a weight or an answer of the net is not finite.
    """
    note_use(LIBRARY)
    try:
        from scikeras.wrappers import KerasClassifier
    except ImportError as error:
        raise ImportError(MISSING) from error
    if not all(isinstance(callback, keras.callbacks.Callback) for callback in callbacks):
        raise TypeError(f"callbacks must be instances of keras.callbacks.Callback, got {callbacks}")
    _warn_of_shared_gpu()

    def make_batches(of_songs, **settings):
        segments, codes, weights = of_songs
        targets = np.eye(n_classes, dtype=np.float32)[codes]
        weights = weights.astype(np.float32)
        return SegmentBatches(segments, targets, weights, batch_size=batch_size, **settings)

    def through(base, of_songs):
        """Return what a frozen model, if there is one, gives for segments, in their place."""
        if base is None:
            return of_songs
        data = make_batches(of_songs)
        outputs = base.predict(data, verbose=0).astype(np.float32, copy=False)
        data.let_go()
        return outputs[..., np.newaxis], *of_songs[1:]

    def compile_net(net, n_steps):
        _shorten_batch_norm_memory(net, n_steps)
        rate = learning_rate
        if learning_rate_schedule == "cosine":
            rate = keras.optimizers.schedules.CosineDecay(learning_rate, epochs * n_steps)
        net.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss="categorical_crossentropy",
            metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
            jit_compile=False,
        )
        # variables that are made within the first step would have it traced twice
        net.optimizer.build(net.trainable_variables)
        return net

    seconds = _EpochTimer()
    check = FiniteCheck(learning_rate=learning_rate, precision=precision, values=songs[0])
    # for changes of segments and for callbacks, all of the net is there in each step
    is_whole = not is_named or bool(callbacks) or any(augmentation.values())
    callbacks = [seconds, _LossCheck(check, epochs), *callbacks]
    if learning_rate_schedule == "plateau":
        monitor = "loss" if validation is None else "val_loss"
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(monitor, factor=0.5, patience=max(1, patience // 2))
        )
    if early_stopping:
        callbacks.append(
            keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        )
    with _given_back(model), seeded(seed), quiet(), _progress_bar(epochs, verbose) as progress:
        net = model or build(architecture, (*songs[0][0].shape, 1), n_classes, precision)
        if not is_named:
            check_probabilities(net, (*songs[0][0].shape, 1), n_classes)
        base, rest = (None, net) if is_whole else split_frozen(net)
        inputs = through(base, songs)
        random_state = np.random.RandomState(seed)
        batches = make_batches(inputs, random_state=random_state, **augmentation)
        held_out = None if validation is None else make_batches(through(base, validation))
        learner = KerasClassifier(model=lambda: compile_net(rest, len(batches)), verbose=0)
        learner.initialize(inputs[0][0][np.newaxis, ..., np.newaxis], songs[1][:1])
        try:
            rest.fit(
                batches,
                epochs=epochs,
                callbacks=callbacks + progress,
                validation_data=held_out,
                # of batches, which stored segments are not read in any order of
                shuffle=False,
                verbose=0,
            )
        finally:
            for data in filter(None, (batches, held_out)):
                data.let_go()
        _check_net(net, songs[0], batch_size, check)
    history = {name: [float(v) for v in values] for name, values in rest.history.history.items()}
    net.optimizer = None
    return net, {**history, "seconds": seconds.of_epochs}


def _warn_of_shared_gpu():
    backend, _ = get_active_backend()
    if has_gpu() and backend.nesting_level:
        warnings.warn(
            "Several nets are trained at once on one GPU, which makes each of them slower and may "
            "exhaust its memory; set n_jobs=1",
            stacklevel=2,
        )


def _shorten_batch_norm_memory(model, steps_per_epoch):
    """Let batch normalisation forget its initial statistics within about an epoch.

    Keras' momentum of 0.99 asks for several hundred steps. With a few dozen songs there are far
    fewer, and the net would then normalise by values that it never saw.
    """
    longest = _STATISTICS_LEFT_AFTER_EPOCH ** (1 / steps_per_epoch)
    for layer in _find_batch_norms(model):
        layer.momentum = min(layer.momentum, longest)


def _find_batch_norms(model):
    layers = model._flatten_layers()
    return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]


@contextmanager
def _given_back(model):
    """Give a net that is trained further back as it was where that fails; None is no such net."""
    if model is None:
        yield
        return
    before = [(variable, variable.numpy()) for variable in model.variables]
    momenta = [(layer, layer.momentum) for layer in _find_batch_norms(model)]
    try:
        yield
    except BaseException:
        for variable, value in before:
            variable.assign(value)
        for layer, momentum in momenta:
            layer.momentum = momentum
        model.optimizer = None
        raise


def _check_net(model, segments, batch_size, check):
    """Refuse a trained net of weights, or of answers for what it was trained on, not finite."""
    for variable in model.weights:
        check(variable.numpy(), f"A weight of {variable.path} after the training")
    rows = np.linspace(0, len(segments) - 1, min(len(segments), batch_size)).astype(int)
    answers = predict(model, take_segments(segments, rows), batch_size)
    check(answers, "What the trained net answers for training songs")


class _LossCheck(keras.callbacks.Callback):
    """Ends a training whose loss is not finite."""

    def __init__(self, check, epochs):
        super().__init__()
        self._check, self._epochs = check, epochs

    def on_epoch_end(self, epoch, logs=None):
        for name in ("loss", "val_loss"):
            what = f"The {name} of epoch {epoch + 1} of {self._epochs}"
            self._check((logs or {}).get(name, 0.0), what)


class _EpochTimer(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.of_epochs = []

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.of_epochs.append(time.perf_counter() - self._start)


@contextmanager
def _progress_bar(epochs, verbose):
    """Yield the callbacks that show epochs, the last loss and the time left, if verbose."""
    if not verbose:
        yield []
        return
    with make_progress() as progress:
        task = progress.add_task("training", total=epochs, info="")

        def advance(epoch, logs):
            names = ("loss", "accuracy", "val_accuracy")
            shown = "  ".join(f"{name} {logs[name]:.3f}" for name in names if name in logs)
            progress.update(task, advance=1, info=shown)

        yield [keras.callbacks.LambdaCallback(on_epoch_end=advance)]
