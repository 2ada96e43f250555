import copy
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from .._bags import mean_over_segments
from .._base import fit_context
from .._forks import is_lost
from ._net import BaseNetClassifier


class BaseKerasClassifier(BaseNetClassifier):
    """A classifier of songs by a Keras net that sees segments.

    As a transformer, it gives what the net's last layer gets.

    Subclasses name their architectures in ``_architectures`` and, in ``_architecture_defaults()``,
    the constructor parameters that a named architecture gets.
    """

    _stamped_packages = ("skgenre", "scikit-learn", "numpy", "keras", "tensorflow")
    _architectures: dict = {}
    _reads_stored = True
    model_: Any
    history_: dict

    _parameter_constraints: dict = {
        **BaseNetClassifier._parameter_constraints,
        "architecture_params": [dict, None],
        "learning_rate_schedule": [StrOptions({"constant", "cosine", "plateau"})],
        "time_mask": [Interval(Real, 0, 1, closed="both")],
        "frequency_mask": [Interval(Real, 0, 1, closed="both")],
        "gain": [Interval(Real, 0, None, closed="left")],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "precision": [StrOptions({"float32", "bfloat16", "float16"})],
        "callbacks": [list, tuple, None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Train the network on the segments of songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs: a table (n_songs, n_features), spectrograms (n_songs, n_bands,
            n_frames), bags of segments (n_songs, n_segments, n_bands, n_frames), or a list of bags
            (n_segments, n_bands, n_frames) of different sizes.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song, divided among its segments.
        groups : array-like of shape (n_songs,), default=None
            Group of each song, such as its artist. No group is both trained on and held out for
            validation.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        FloatingPointError
            If a loss, a weight or a probability becomes NaN or infinite. The message says what to
            change.
        ImportError
            If the extra ``keras`` is not installed.
        ValueError
            If there is only one genre, no song could be read, ``sample_weight`` is negative or sums
            to zero, or ``warm_start`` meets other genres or shapes.
        """
        return self._fit(X, y, sample_weight, groups)

    def _train(self, songs, held_out, seed):
        from ._training import train

        model = self.model_ if self._goes_on() else None
        if model is None:
            self._builder_, self._precision_ = self._make_builder(), self.precision
        self.model_, history = train(
            self._builder_,
            songs,
            is_named=self._has_named_architecture(),
            model=model,
            n_classes=len(self.classes_),
            validation=held_out,
            precision=self._precision_,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            learning_rate_schedule=self.learning_rate_schedule,
            early_stopping=self.early_stopping,
            patience=self.patience,
            augmentation={
                "time_mask": self.time_mask,
                "frequency_mask": self.frequency_mask,
                "gain": self.gain,
                "mixup": self.mixup,
            },
            callbacks=copy.deepcopy(list(self.callbacks or [])),
            seed=seed,
            verbose=self.verbose,
        )
        before = {} if model is None else self.history_
        self.history_ = {
            name: before.get(name, []) + history.get(name, []) for name in {**before, **history}
        }

    def _has_named_architecture(self):
        """Whether the fitted net is one of ours."""
        return self._builder_.func in self._architectures.values()

    def _goes_on(self):
        """Whether a fit goes on with the net of the one before."""
        return self.warm_start and hasattr(self, "model_")

    def _check_refit(self, classes, input_shape):
        if not self._goes_on():
            return
        if not np.array_equal(classes, self.classes_) or input_shape != self.input_shape_:
            raise ValueError(
                f"warm_start needs the genres {self.classes_.tolist()} and segments of shape "
                f"{self.input_shape_} (bands, frames) of the previous fit, got {classes.tolist()} "
                f"and {input_shape}"
            )

    def _make_builder(self):
        """Return the architecture with its parameters: a function of shape and number of genres."""
        params = self.architecture_params or {}
        if callable(self.architecture):
            return partial(self.architecture, **params)
        named = self._architectures[self.architecture]
        return partial(named, **{**self._architecture_defaults(), **params})

    def _architecture_defaults(self):
        return {"dropout": self.dropout}

    def _segment_proba(self, segments):
        from . import _keras

        return _keras.predict(self.model_, segments, self.batch_size)

    def transform(self, X):
        """Compute the output of the network's last hidden layer for songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            The features of songs, as in `fit`.

        Returns
        -------
        embeddings : ndarray of shape (n_songs, n_units), dtype float32
            The mean over the segments of each song; NaN for a song that could not be read. Each fit
            learns units of its own, so a classifier of embeddings works with one network only.
        """
        from . import _keras

        check_is_fitted(self)
        embedder = _keras.without_head(self.model_)

        def embed(segments, counts):
            outputs = _keras.predict(embedder, segments, self.batch_size)
            return mean_over_segments(outputs.reshape(len(outputs), -1), counts)

        return self._predict_songs(
            X, embed, np.full(_n_outputs(embedder), np.nan, dtype=np.float32)
        )

    @property
    def _n_features_out(self):
        from . import _keras

        return _n_outputs(_keras.without_head(self.model_))

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from . import _keras

            # A net of the user may hold layers that Keras' file format cannot restore; the function
            # that builds it is in the pickle anyway.
            model = state["model_"]
            if isinstance(model, _keras.keras.Model):
                is_named = self._has_named_architecture()
                state["model_"] = _keras.to_bytes(model) if is_named else model.get_weights()
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "model_" in state:
            from . import _keras

            if is_lost(_keras.LIBRARY):
                # an error here would not reach the parent, which would wait: the first use tells
                return
            stored = state["model_"]
            self.model_ = (
                _keras.from_bytes(stored)
                if isinstance(stored, bytes)
                else _keras.rebuild(
                    self._builder_,
                    self.input_shape_,
                    len(self.classes_),
                    self._precision_,
                    stored,
                )
            )


def _n_outputs(model):
    return int(np.prod(model.output_shape[1:]))
