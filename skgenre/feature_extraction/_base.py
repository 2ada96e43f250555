import warnings
from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from joblib import Parallel, delayed
from joblib.parallel import get_active_backend
from sklearn.base import TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn_compat.base import _fit_context

from .._base import VersionedEstimator
from .._progress import track
from ..audio import AudioError
from ..audio._clips import clip_name, fit_length, read_clip, validate_clips
from ..audio._errors import list_failures


class BaseClipTransformer(TransformerMixin, VersionedEstimator):
    """Reads clips, cuts them in segments and gathers what a subclass computes from them.

    Subclasses store ``sr``, ``duration``, ``n_segments``, ``segment_duration``, ``on_error``,
    ``n_jobs`` and ``verbose``. They implement ``_make_kernel()``, a function from segments
    (n_segments, n_samples) to features (n_segments, n_bands, n_frames), and
    ``_feature_shape(n_samples)``, the (n_bands, n_frames) of a segment.
    """

    _stamped_packages = ("skgenre", "scikit-learn", "numpy", "scipy", "librosa")

    _parameter_constraints: dict = {
        "sr": [Interval(Real, 0, None, closed="neither")],
        "duration": [Interval(Real, 0, None, closed="neither"), None],
        "n_segments": [Interval(Integral, 1, None, closed="left"), None],
        "segment_duration": [Interval(Real, 0, None, closed="neither"), None],
        "on_error": [StrOptions({"raise", "nan"})],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the kind of clips; nothing is learnt.

        Parameters
        ----------
        X : sequence of paths, array of shape (n_clips, n_samples) or list of 1-D waveforms
            The clips. Files are not opened.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The transformer.
        """
        self._check_settings()
        validate_clips(self, X, reset=True, allow_nan=self.on_error == "nan")
        return self

    def transform(self, X):
        """Compute the features of clips.

        Parameters
        ----------
        X : sequence of paths, array of shape (n_clips, n_samples) or list of 1-D waveforms
            The clips; waveforms are at ``sr``.

        Returns
        -------
        features : ndarray, dtype float32; of dtype object if ragged
            As the class describes.

        Raises
        ------
        AudioError
            If clips cannot be read and ``on_error="raise"``; it names all of them.
        """
        self._validate_params()
        self._check_settings()
        clips = validate_clips(self, X, reset=False, allow_nan=self.on_error == "nan")
        kernel = self._make_kernel()
        backend, _ = get_active_backend(prefer="threads")
        results = Parallel(
            n_jobs=self.n_jobs,
            prefer="threads",
            return_as="generator" if backend.supports_return_generator else "list",
        )(delayed(self._extract)(kernel, clip) for clip in clips)
        features, unreadable = self._allocate(len(clips))
        failures, n_unreadable = {}, 0
        for i, result in enumerate(
            track(
                results,
                total=len(clips),
                description=type(self).__name__,
                unit="songs",
                verbose=self.verbose,
            )
        ):
            if isinstance(result, AudioError):
                (reason,) = result.failures.values()
                failures[clip_name(clips[i], i)] = reason
                n_unreadable += 1
                result = unreadable
            features[i] = result
        if failures and self.on_error == "raise":
            raise AudioError(failures)
        if failures:
            warnings.warn(
                f"{n_unreadable} of {len(clips)} clips could not be read and are NaN:\n"
                f"  {list_failures(failures)}",
                stacklevel=2,
            )
        return features

    @abstractmethod
    def _make_kernel(self):
        """Return the function from segments to features."""

    @abstractmethod
    def _feature_shape(self, n_samples):
        """Return the number of bands and of frames for a segment of ``n_samples``."""

    def _extract(self, kernel, clip):
        """Return the features of one clip, or the error that says why there are none."""
        try:
            y = read_clip(clip, sr=self.sr, duration=self.duration)
            segments = self._cut(y)
            if self._feature_shape(segments.shape[1])[1] < 1:
                raise AudioError({"": f"shorter than {self._shortest_segment}"})
        except AudioError as error:
            return error
        features = kernel(segments)
        return features if self._has_segments else features[0]

    @property
    def _shortest_segment(self):
        """What a segment must at least hold, in words."""
        return "one frame"

    @property
    def _has_segments(self):
        """Whether a clip gives a bag of segments and not a single spectrogram."""
        return not (self.duration and self.n_segments is None and self.segment_duration is None)

    @property
    def _gives_ragged_bags(self):
        return self._has_segments and self.n_segments is None

    def _segment_samples(self):
        """Return the length of a segment, or None where it is the whole of a clip of any length."""
        if self.segment_duration is not None:
            return round(self.segment_duration * self.sr)
        if self.duration is not None:
            return round(self.duration * self.sr) // (self.n_segments or 1)
        return None

    def _cut(self, y):
        """Cut a waveform in segments, (n_segments, n_samples)."""
        if self.duration is not None:
            y = fit_length(y, round(self.duration * self.sr))
        n_samples = self._segment_samples() or len(y)
        n_segments, rest = divmod(len(y), n_samples)
        if self.n_segments is None and (n_segments == 0 or 2 * rest >= n_samples):
            whole = n_segments * n_samples
            y = np.concatenate([y[:whole], fit_length(y[whole:], n_samples)])
            n_segments += 1
        return y[: n_segments * n_samples].reshape(n_segments, n_samples)

    def _allocate(self, n_clips):
        """Return room for the features of all clips, and the row of an unreadable one."""
        n_samples = self._segment_samples()
        shape = (
            (self._feature_shape(self.sr)[0], 1)
            if n_samples is None
            else self._feature_shape(n_samples)
        )
        if self._gives_ragged_bags:
            return np.empty(n_clips, dtype=object), np.full((1, *shape), np.nan, dtype=np.float32)
        if self._has_segments:
            shape = (self.n_segments, *shape)
        return np.empty((n_clips, *shape), dtype=np.float32), np.nan

    def _check_settings(self):
        name = type(self).__name__
        if self.n_segments is not None and self.segment_duration is not None:
            raise ValueError(
                f"{name} takes n_segments or segment_duration, got both "
                f"({self.n_segments} and {self.segment_duration}); set one of them to None"
            )
        if self.n_segments is not None and self.duration is None:
            raise ValueError(
                f"{name} needs a duration to cut clips in n_segments={self.n_segments} of equal "
                "length; for clips of any length set n_segments=None and a segment_duration"
            )
        n_samples = self._segment_samples()
        if n_samples is not None and (n_samples < 1 or self._feature_shape(n_samples)[1] < 1):
            raise ValueError(
                f"The segments of {name} have {n_samples} samples, shorter than "
                f"{self._shortest_segment}; raise duration or segment_duration, or lower n_segments"
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = self.on_error == "nan"
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _more_tags(self):
        return {
            "requires_fit": False,
            "stateless": True,
            "allow_nan": self.on_error == "nan",
            "preserves_dtype": [np.float32],
        }
