import warnings
from fractions import Fraction
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.model_selection import StratifiedGroupKFold, StratifiedShuffleSplit
from sklearn.utils import check_random_state, compute_sample_weight
from sklearn.utils._param_validation import Interval, StrOptions

from .._bags import AGGREGATES, BagClassifier, list_segments, segment_weights, take_songs

_DEFAULT_VALIDATION_FRACTION = 0.1


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
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs songs of at least 2 classes, got only one class: "
                f"'{self.classes_[0]}'"
            )
        X, codes, sample_weight, groups = take_songs(
            sample_weight > 0, X, codes, sample_weight, groups
        )
        random_state = check_random_state(self.random_state)
        seed = random_state.randint(np.iinfo(np.int32).max)
        if self.class_weight is not None:
            labels = self.classes_[codes]
            sample_weight = sample_weight * compute_sample_weight(self.class_weight, labels)
        trained_on, held_out = self._split(codes, groups, seed)
        self._train(
            lay_out(X, codes, sample_weight, trained_on),
            None if held_out is None else lay_out(X, codes, sample_weight, held_out),
            seed,
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

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self):
        return {**super()._more_tags(), "preserves_dtype": [np.float32]}


def lay_out(X, codes, sample_weight, songs):
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
