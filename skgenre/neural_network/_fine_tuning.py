import os
from functools import partial
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._bags import flatten, is_readable, mean_over_segments, take_songs
from .._base import fit_context
from .._forks import is_lost, refuse_if_lost
from .._pretrained._estimator import PretrainedMixin
from ..audio._clips import validate_clips
from ..feature_extraction._waveform_segments import as_bands
from ._net import BaseNetClassifier
from ._song_reader import SongReader

# What neither the songs nor these parameters tell of a training.
_NOT_OF_TRAINING = (
    "checkpoint",
    "checkpoint_dir",
    "device",
    "n_jobs",
    "on_error",
    "store_base_weights",
    "timeout",
    "verbose",
)


class BaseFineTunedClassifier(PretrainedMixin, BaseNetClassifier):
    """A classifier of songs by a pretrained model of audio with a head of dense layers.

    As a transformer, it gives what the head's last layer gets.
    """

    _stamped_packages = ("skgenre", "scikit-learn", "numpy", "torch", "transformers")
    model_: Any
    history_: dict

    _parameter_constraints: dict = {
        **BaseNetClassifier._parameter_constraints,
        **PretrainedMixin._pretrained_constraints,
        "sr": [Interval(Real, 0, None, closed="neither")],
        "segment_duration": [Interval(Real, 0, None, closed="neither")],
        "n_segments": [Interval(Integral, 1, None, closed="left"), None],
        "pooling": [StrOptions({"mean", "max", "attention"})],
        "hidden_layer_sizes": [list, tuple],
        "gradient_accumulation_steps": [Interval(Integral, 1, None, closed="left")],
        "warmup_fraction": [Interval(Real, 0, 1, closed="left")],
        "freeze_feature_encoder": ["boolean"],
        "freeze_base": ["boolean"],
        "gradient_checkpointing": ["boolean"],
        "checkpoint_dir": [str, os.PathLike, None],
        "store_base_weights": ["boolean"],
        "on_error": [StrOptions({"raise", "nan"})],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
    }

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, *, sample_weight=None, groups=None):
        """Fine-tune the model on the segments of songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_songs, n_samples)
            The songs as clips, in any form that `MFCCSegmenter.transform` takes. Waveforms without
            a rate are at ``sr``.
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
        AudioError
            If songs cannot be read and ``on_error="raise"``. The message names all of them.
        FloatingPointError
            If a loss or a weight becomes NaN or infinite. The message says what to change.
        MemoryError
            If the device has too little memory. The message says what to change.
        OSError
            If the checkpoint is not found.
        ValueError
            If there is only one genre, no song could be read, or parameters do not fit the model.

        Warns
        -----
        UserWarning
            If songs cannot be read and ``on_error="nan"``.
        """
        clips = self._validate_clips(X, reset=True)
        check_consistent_length(clips, y, groups)
        return self._fit(clips, y, sample_weight, groups)

    def _validate_clips(self, X, *, reset):
        # numbers too large for float32 become infinite, and are refused as that
        with np.errstate(all="ignore"):
            return validate_clips(
                self, X, sr=self.sr, reset=reset, allow_nan=self.on_error == "nan"
            )

    def _validate_fit(self, clips):
        checkpoint = self._open_checkpoint()
        self._check_settings(checkpoint)
        shape = (1, self._segment_samples(checkpoint))
        return self._read(clips, checkpoint, as_bands, shape, "reading")

    def _segment_samples(self, checkpoint):
        """Return the length of a segment: the one asked for, or the longest the model can hear."""
        n_samples = round(self.segment_duration * checkpoint.sr)
        if n_samples < 1:
            raise ValueError(
                f"segment_duration={self.segment_duration} is shorter than one sample at "
                f"{checkpoint.sr} Hz"
            )
        return min(n_samples, checkpoint.family.longest or n_samples)

    def _read(self, clips, checkpoint, function, shape, label):
        """Return what a function makes of the segments of clips, as ragged bags."""
        reader = SongReader(
            function,
            shape,
            sr=self.sr,
            working_sr=checkpoint.sr,
            segment_duration=self._segment_samples(checkpoint) / checkpoint.sr,
            max_segments=self.n_segments,
            label=label,
            batch_size=self.batch_size,
            on_error=self.on_error,
            timeout=self.timeout,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
        )
        return reader.transform(clips)

    def _check_settings(self, checkpoint):
        checkpoint.find_width(checkpoint.find_layers(self.layers))
        if self.gradient_checkpointing and not checkpoint.family.recomputes_activations:
            raise ValueError(
                "gradient_checkpointing=True is not possible, because transformers does not have "
                f"it for models like {checkpoint.name!r}; lower batch_size to save memory"
            )
        sizes = self.hidden_layer_sizes
        if not all(isinstance(size, int | np.integer) and size > 0 for size in sizes):
            raise ValueError(f"hidden_layer_sizes must be positive integers, got {sizes!r}")
        if self.checkpoint_dir is not None and not isinstance(self.random_state, Integral):
            raise ValueError(
                "checkpoint_dir needs an int as random_state, so that a continued training holds "
                f"out the same songs, got random_state={self.random_state!r}"
            )

    def _train(self, songs, held_out, seed):
        from .._pretrained._net import build_net
        from .._pretrained._resume import SavedTraining, fingerprint
        from .._pretrained._training import train

        checkpoint = self._open_checkpoint()
        saved = None
        if self.checkpoint_dir is not None:
            params = self.get_params()
            params = {name: params[name] for name in params if name not in _NOT_OF_TRAINING}
            params["precision"] = self._kept_precision()
            params["classes"] = len(self.classes_)
            params["identity"] = checkpoint.identity()
            saved = SavedTraining(self.checkpoint_dir, fingerprint(params, songs, held_out))
        net = build_net(
            checkpoint,
            seed,
            layers=checkpoint.find_layers(self.layers),
            pooling=self.pooling,
            hidden_layer_sizes=self.hidden_layer_sizes,
            dropout=self.dropout,
            n_classes=len(self.classes_),
        )
        net.choose_trained(
            freeze_feature_encoder=self.freeze_feature_encoder, freeze_base=self.freeze_base
        )
        self.history_ = train(
            net,
            songs,
            validation=held_out,
            device=self._find_device(),
            precision=self.precision,
            epochs=self.epochs,
            batch_size=self.batch_size,
            gradient_accumulation_steps=self.gradient_accumulation_steps,
            gradient_checkpointing=self.gradient_checkpointing,
            learning_rate=self.learning_rate,
            warmup_fraction=self.warmup_fraction,
            early_stopping=self.early_stopping,
            patience=self.patience,
            saved=saved,
            seed=seed,
            verbose=self.verbose,
        )
        self.model_ = net

    def transform(self, X):
        """Compute the output of the head's last hidden layer for songs.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_songs, n_samples)
            The songs as clips, in any form that `MFCCSegmenter.transform` takes. Waveforms without
            a rate are at ``sr``.

        Returns
        -------
        embeddings : ndarray of shape (n_songs, n_units), dtype float32
            The mean over the segments of each song; NaN for a song that could not be read. Each fit
            learns units of its own, so a classifier of embeddings works with one network only.

        Raises
        ------
        AudioError
            If songs cannot be read and ``on_error="raise"``. The message names all of them.
        ValueError
            If the output is not finite.
        """
        check_is_fitted(self)
        bags, readable = self._hear(X, embeds=True)
        return self._answer_songs(
            0,
            bags,
            readable,
            lambda segments, counts: mean_over_segments(segments[..., 0], counts),
            np.full(self._n_features_out, np.nan, dtype=np.float32),
        )

    @property
    def _n_features_out(self):
        refuse_if_lost("torch")
        return self.model_.n_features

    def _hear(self, X, *, embeds):
        """Return what the net makes of songs, as bags of frames, and which could be read."""
        from .._pretrained._net import answer_segments

        device = self._find_device()
        clips = self._validate_clips(X, reset=False)
        checkpoint = self.model_.checkpoint
        hear = partial(
            answer_segments,
            net=self.model_,
            embeds=embeds,
            device=device,
            precision=self.precision,
        )
        n_answers = self._n_features_out if embeds else len(self.classes_)
        bags = self._read(clips, checkpoint, hear, (n_answers, 1), "predicting")
        return bags, is_readable(bags)

    def _validate_predict(self, X):
        yield 0, *self._hear(X, embeds=False)

    def _flatten_readable(self, X, readable):
        return flatten(*take_songs(readable, X))

    def _segment_proba(self, segments):
        return segments[..., 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.input_tags.three_d_array = False
        return tags

    def _more_tags(self):
        return {**super()._more_tags(), "allow_nan": self.on_error == "nan"}

    def __getstate__(self):
        state = super().__getstate__()
        if "model_" in state and not isinstance(state["model_"], dict):
            from .._pretrained._net import to_state

            state["model_"] = to_state(state["model_"], with_base=self.store_base_weights)
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        # in a forked process the state stays, and the first use of the net is what raises
        if "model_" in state and not is_lost("torch"):
            from .._pretrained._net import from_state

            self.model_ = from_state(state["model_"])
