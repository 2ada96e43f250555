import copy
from numbers import Integral, Real

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn_compat.base import _fit_context

from .._bags import AGGREGATES, BagClassifier, flatten, segment_weights

_DEFAULT_VALIDATION_FRACTION = 0.1


class BaseKerasClassifier(BagClassifier):
    """A classifier of songs by a Keras net that sees segments.

    Subclasses name their architectures in ``_architectures`` and, in ``_architecture_defaults()``,
    the constructor parameters that a named architecture gets.
    """

    _stamped_packages = ("skgenre", "scikit-learn", "numpy", "keras", "tensorflow")
    _architectures: dict = {}

    _parameter_constraints: dict = {
        "architecture_params": [dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "aggregate": [StrOptions(set(AGGREGATES))],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "callbacks": [list, tuple, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Fit the net on the segments of songs.

        Parameters
        ----------
        X : array-like
            Features of songs: a table, spectrograms, bags of segments or ragged bags.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song, shared by its segments.
        groups : array-like of shape (n_songs,), default=None
            The artist of each song, say. Songs held out for validation are of other groups than
            those trained on.

        Returns
        -------
        self : object
            The fitted classifier.
        """
        return self._fit(X, y, sample_weight, groups)

    def _fit_songs(self, X, codes, sample_weight, groups):
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs songs of at least 2 classes, got only one class: "
                f"'{self.classes_[0]}'"
            )
        from . import _keras

        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        if self.class_weight is not None:
            labels = self.classes_[codes]
            sample_weight = sample_weight * compute_sample_weight(self.class_weight, labels)
        train, held_out = self._split(codes, groups, seed)
        segments, counts = flatten(X if held_out is None else X[train])
        self.input_shape_ = segments.shape[1:]
        self.model_, self.history_ = _keras.train(
            self._build,
            segments,
            np.repeat(codes[train], counts),
            segment_weights(counts, sample_weight[train]),
            n_classes=len(self.classes_),
            validation=self._flatten_held_out(X, codes, sample_weight, held_out),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            patience=self.patience if self.early_stopping else None,
            callbacks=copy.deepcopy(list(self.callbacks or [])),
            seed=seed,
            verbose=self.verbose,
        )

    def _flatten_held_out(self, X, codes, sample_weight, held_out):
        if held_out is None:
            return None
        segments, counts = flatten(X[held_out])
        weights = segment_weights(counts, sample_weight[held_out])
        return segments, np.repeat(codes[held_out], counts), weights

    def _split(self, codes, groups, seed):
        """Return the indices of the songs to train on, and of those held out or None."""
        fraction = self.validation_fraction
        if fraction is None and self.early_stopping:
            fraction = _DEFAULT_VALIDATION_FRACTION
        if fraction is None:
            return np.arange(len(codes)), None
        if groups is None:
            n_held_out = max(len(self.classes_), round(fraction * len(codes)))
            splitter = StratifiedShuffleSplit(1, test_size=n_held_out, random_state=seed)
        else:
            n_folds = max(2, round(1 / fraction))
            splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        try:
            return next(splitter.split(codes, codes, groups))
        except ValueError as error:
            raise ValueError(
                f"{len(codes)} songs cannot be split by validation_fraction={fraction}: {error}"
            ) from error

    def _build(self, input_shape, n_classes):
        params = self.architecture_params or {}
        if callable(self.architecture):
            return self.architecture(input_shape, n_classes, **params)
        build = self._architectures[self.architecture]
        return build(input_shape, n_classes, **{**self._architecture_defaults(), **params})

    def _architecture_defaults(self):
        return {"dropout": self.dropout}

    def _segment_proba(self, segments):
        from . import _keras

        if segments.shape[1:] != self.input_shape_:
            raise ValueError(
                f"Segments have the shape {segments.shape[1:]}, but {type(self).__name__} is "
                f"expecting {self.input_shape_} (bands, frames), as in fit"
            )
        return _keras.predict(self.model_, segments, self.batch_size)

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from . import _keras

            state["model_"] = _keras.to_bytes(state["model_"])
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "model_" in state:
            from . import _keras

            self.model_ = _keras.from_bytes(state["model_"])
