from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions

from .._bag_classifier import BagClassifier
from .._bags import (
    AGGREGATES,
    check_several,
    list_segments,
    segment_weights,
    take_songs,
)
from .._division import hold_out_songs

_DEFAULT_VALIDATION_FRACTION = 0.1
_LARGEST_SUM_OF_WEIGHTS = 1e30


class BaseNetClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BagClassifier):
    """A classifier of songs by a net that sees segments, of whatever library.

    As a transformer, it gives what the net's last layer gets.

    Subclasses hold the training: ``_train(songs, held_out, seed)`` gets what `lay_out` returns of
    the songs to train on, and of those held out for validation or None.
    """

    _parameter_constraints: dict = {
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "aggregate": [StrOptions(set(AGGREGATES))],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean"],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def _fit_songs(self, X, codes, sample_weight, groups):
        check_several(self)
        X, codes, sample_weight, groups = take_songs(
            sample_weight > 0, X, codes, sample_weight, groups
        )
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        genres = self.classes_[codes]
        if self.class_weight is not None:
            self._check_class_weight()
            sample_weight = sample_weight * compute_sample_weight(self.class_weight, genres)
            if not sample_weight.any():
                raise ValueError(f"class_weight={self.class_weight} gives all songs the weight 0")
        if sample_weight.sum() > _LARGEST_SUM_OF_WEIGHTS:
            raise ValueError(
                f"sample_weight times class_weight sums to {sample_weight.sum():g}; nets compute "
                f"in float32 and take sums up to {_LARGEST_SUM_OF_WEIGHTS:g}"
            )
        trained_on, held_out = self._split(genres, groups, seed)
        self._train(
            lay_out(X, codes, sample_weight, trained_on),
            None if held_out is None else lay_out(X, codes, sample_weight, held_out),
            seed,
        )

    def _check_class_weight(self):
        if isinstance(self.class_weight, str):
            return
        unknown = [genre for genre in self.class_weight if genre not in self.classes_]
        if unknown:
            raise ValueError(
                f"class_weight names {unknown}, but the genres are {self.classes_.tolist()}"
            )
        wrong = {
            genre: weight
            for genre, weight in self.class_weight.items()
            if not (isinstance(weight, Real) and 0 <= float(weight) < np.inf)
        }
        if wrong:
            raise ValueError(f"class_weight must be finite and not negative, got {wrong}")

    def _split(self, genres, groups, seed):
        """Return the songs to train on, and those held out or None, as indices."""
        fraction, asked_by = self.validation_fraction, "validation_fraction"
        if fraction is None and self.early_stopping:
            fraction, asked_by = _DEFAULT_VALIDATION_FRACTION, "early_stopping"
        if fraction is None:
            return np.arange(len(genres)), None
        try:
            return hold_out_songs(genres, groups, fraction, seed)
        except ValueError as error:
            raise ValueError(
                f"{asked_by}={getattr(self, asked_by)} holds out some of the {len(genres)} songs "
                f"for validation, but {error}"
            ) from error

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self):
        return {**super()._more_tags(), "preserves_dtype": [np.float32]}


def lay_out(X, codes, sample_weight, songs):
    """Return the segments of some songs, without copies, their classes and their weights."""
    segments, counts = list_segments(X, songs)
    weights = segment_weights(counts, sample_weight[songs])
    return segments, np.repeat(codes[songs], counts), weights
