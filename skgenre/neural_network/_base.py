import copy
import warnings
from fractions import Fraction
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted
from sklearn_compat.base import _fit_context

from .._bags import (
    AGGREGATES,
    BagClassifier,
    list_segments,
    mean_over_segments,
    segment_weights,
    take_songs,
)

_DEFAULT_VALIDATION_FRACTION = 0.1


class BaseKerasClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BagClassifier):
    """A classifier of songs by a Keras net that sees segments.

    As a transformer, it gives what the net's last layer gets.

    Subclasses name their architectures in ``_architectures`` and, in ``_architecture_defaults()``,
    the constructor parameters that a named architecture gets.
    """

    _stamped_packages = ("skgenre", "scikit-learn", "numpy", "keras", "tensorflow")
    _architectures: dict = {}
    model_: Any
    history_: dict

    _parameter_constraints: dict = {
        "architecture_params": [dict, None],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "learning_rate_schedule": [StrOptions({"constant", "cosine", "plateau"})],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "aggregate": [StrOptions(set(AGGREGATES))],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "time_mask": [Interval(Real, 0, 1, closed="both")],
        "frequency_mask": [Interval(Real, 0, 1, closed="both")],
        "gain": [Interval(Real, 0, None, closed="left")],
        "mixup": [Interval(Real, 0, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "warm_start": ["boolean"],
        "precision": [StrOptions({"float32", "bfloat16", "float16"})],
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
        from ._training import train

        X, codes, sample_weight, groups = take_songs(
            sample_weight > 0, X, codes, sample_weight, groups
        )
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        if self.class_weight is not None:
            labels = self.classes_[codes]
            sample_weight = sample_weight * compute_sample_weight(self.class_weight, labels)
        trained_on, held_out = self._split(codes, groups, seed)
        model = self.model_ if self._goes_on() else None
        if model is None:
            self._builder_, self._precision_ = self._make_builder(), self.precision
        self.model_, history = train(
            self._builder_,
            _lay_out(X, codes, sample_weight, trained_on),
            is_named=self._has_named_architecture(),
            model=model,
            n_classes=len(self.classes_),
            validation=None if held_out is None else _lay_out(X, codes, sample_weight, held_out),
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
                f"warm_start goes on with the genres {self.classes_.tolist()} and segments of "
                f"shape {self.input_shape_} (bands, frames) of the fit before, got "
                f"{classes.tolist()} and {input_shape}"
            )

    def _split(self, codes, groups, seed):
        """Return the songs to train on, and those held out or None, as indices."""
        fraction = self.validation_fraction
        if fraction is None and self.early_stopping:
            fraction = _DEFAULT_VALIDATION_FRACTION
        if fraction is None:
            return np.arange(len(codes)), None
        try:
            if groups is None:
                n_held_out = max(len(self.classes_), round(fraction * len(codes)))
                splitter = StratifiedShuffleSplit(1, test_size=n_held_out, random_state=seed)
                return next(splitter.split(codes, codes))
            return _split_groups(codes, np.asarray(groups), fraction, seed)
        except ValueError as error:
            raise ValueError(
                f"{len(codes)} songs cannot be split by validation_fraction={fraction}: {error}"
            ) from error

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
        """Compute what the layer before the net's head gives for songs.

        Parameters
        ----------
        X : array-like
            Features of songs: a table, spectrograms, bags of segments or ragged bags.

        Returns
        -------
        embeddings : ndarray of shape (n_songs, n_units), dtype float32
            The mean over the segments of each song. A song that could not be read has NaN. Nets
            that were fitted separately have different units: what was learnt on the embeddings of
            one cannot be used on another's.
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self):
        return {**super()._more_tags(), "preserves_dtype": [np.float32]}

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state:
            from . import _keras

            # A net of the user may hold layers that Keras' file format cannot restore; the function
            # that builds it is in the pickle anyway.
            model = state["model_"]
            state["model_"] = (
                _keras.to_bytes(model) if self._has_named_architecture() else model.get_weights()
            )
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "model_" in state:
            from . import _keras

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


def _lay_out(X, codes, sample_weight, songs):
    """Return the segments of some songs, without copies, their classes and their weights."""
    segments, counts = list_segments([X[i] for i in songs])
    weights = segment_weights(counts, sample_weight[songs])
    return segments, np.repeat(codes[songs], counts), weights


def _split_groups(codes, groups, fraction, seed):
    """Hold out about a fraction of the songs, by whole groups, and of each genre if possible.

    A genre whose groups would all be held out stays in training.
    """
    share = Fraction(fraction).limit_denominator(10)
    n_folds = max(2, min(share.denominator, len(np.unique(groups)), np.bincount(codes).max()))
    n_held_out = min(max(1, round(fraction * n_folds)), n_folds - 1)
    splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        folds = [fold for _, fold in splitter.split(codes, codes, groups)]
    is_held_out = np.zeros(len(codes), dtype=bool)
    is_held_out[np.concatenate(folds[:n_held_out])] = True
    untrained = np.setdiff1d(codes, codes[~is_held_out])
    is_held_out &= ~np.isin(groups, groups[np.isin(codes, untrained)])
    if not is_held_out.any():
        raise ValueError("each genre has one group only")
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)
