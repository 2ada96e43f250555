import math
import os
import warnings
from abc import abstractmethod
from contextlib import closing
from numbers import Integral, Real

import numpy as np
from joblib import Memory, delayed
from sklearn.base import TransformerMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.metadata_routing import UNUSED

from .._base import VersionedEstimator, fit_context
from .._lengths import fit_length
from .._parallel import run_parallel
from .._progress import track
from ..audio import AudioError
from ..audio._clips import (
    at_rate,
    clip_name,
    is_too_short,
    read_clip,
    read_clip_blocks,
    validate_clips,
)
from ..audio._errors import list_failures
from ..audio._sound import check_loudness
from ._cache import FeatureCache
from ._finite import check_energy, compute_finite, convert, no_memory

# Of a file of any length, about as much is read and transformed at a time.
_SECONDS_TOGETHER = 60.0
# What the features of one clip may take, which may be longer than anybody thought.
_MAX_FEATURE_BYTES = 2**30


class BaseClipTransformer(TransformerMixin, VersionedEstimator):
    """Reads clips, cuts them in segments and gathers what a subclass computes from them.

    Subclasses store ``sr``, ``duration``, ``n_segments``, ``segment_duration``, ``cache``,
    ``on_error``, ``timeout``, ``n_jobs`` and ``verbose``. They implement ``_make_kernel()``, a
    function from segments (n_segments, n_samples) to features (n_segments, n_bands, n_frames), and
    ``_feature_shape(n_samples)``, the (n_bands, n_frames) of a segment.
    """

    _stamped_packages: tuple[str, ...] = (
        "skgenre",
        "scikit-learn",
        "numpy",
        "scipy",
        "numba",
        "librosa",
    )

    _parameter_constraints: dict = {
        "sr": [Interval(Real, 0, None, closed="neither")],
        "duration": [Interval(Real, 0, None, closed="neither"), None],
        "n_segments": [Interval(Integral, 1, None, closed="left"), None],
        "segment_duration": [Interval(Real, 0, None, closed="neither"), None],
        "cache": [str, os.PathLike, Memory, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "timeout": [Interval(Real, 0, None, closed="neither"), None],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }
    __metadata_request__transform = {"out": UNUSED}

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Check the parameters and the clips; there is nothing to learn.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            The clips, as in `transform`. Files are not opened.
        y : None
            Ignored.

        Returns
        -------
        self : object
            The transformer.

        Raises
        ------
        ValueError
            If parameters contradict each other, or X does not hold clips.
        """
        self._check_settings()
        self._check_clips(X, reset=True)
        return self

    def transform(self, X, *, out=None):
        """Compute the features of clips.

        Parameters
        ----------
        X : sequence of clips, or array of shape (n_clips, n_samples)
            A clip is one of these:

            - a path.
            - a waveform at ``sr``. An array of shape (2, n_samples) or (n_samples, 2) has two
              channels.
            - samples with their rate: ``(samples, rate)`` in either order, or
              ``{"array": samples, "sampling_rate": rate}`` as in Hugging Face data sets. The
              shorter axis has the channels, at most 8. Samples are mixed and resampled like a
              file.

            Integers of 8, 16 or 32 bits are scaled to -1 to 1 as in WAV files. Other integers, and
            samples beyond 128, are refused.
        out : array-like of the shape of the features, default=None
            Where to write the features, clip by clip: a `numpy.memmap`, a zarr array, or anything
            else with the right shape, a floating ``dtype`` such as float16, and assignable rows.
            With it, memory use does not grow with the number of clips.

        Returns
        -------
        features : ndarray of the shape that the class describes, dtype float32
            The features, or ``out``. An object array if clips have different numbers of segments.

        Raises
        ------
        AudioError
            If clips cannot be read and ``on_error="raise"``. The message names all of them.
        ValueError
            If ``out`` has the wrong shape or dtype, or X does not hold clips. Arrays with rows
            shorter than 20 ms are refused as something else, such as features, if they have more
            than 300 rows or 30 columns. Smaller ones pass, because scikit-learn's estimator checks
            use such arrays.

        Warns
        -----
        UserWarning
            If clips cannot be read and ``on_error="nan"``, or features cannot be stored in
            ``cache``.
        """
        self._validate_params()
        self._check_settings()
        clips = self._check_clips(X, reset=False)
        features = self._allocate(len(clips)) if out is None else self._check_out(out, len(clips))
        dtype = None if out is None else features.dtype
        failures, not_kept = self._fill(features, clips, dtype)
        if not_kept:
            warnings.warn(
                f"cache={self.cache!r} cannot store the features of {len(not_kept)} of "
                f"{len(clips)} clips: {not_kept[0]}",
                stacklevel=2,
            )
        named = {}
        for i, error in failures.items():
            (named[clip_name(clips[i], i)],) = error.failures.values()
        if named and self.on_error == "raise":
            raise AudioError(named)
        if named:
            warnings.warn(
                f"{len(failures)} of {len(clips)} clips could not be read and are NaN:\n"
                f"  {list_failures(named)}",
                stacklevel=2,
            )
        return features

    def _fill(self, features, clips, dtype=None):
        """Assign the features of clips to rows, NaN for those that cannot be read.

        Parameters
        ----------
        features : array of shape (n_clips, ...)
            Where to write.
        clips : sequence of clips
        dtype : dtype or None
            What the rows are converted to.

        Returns
        -------
        failures : dict of AudioError
            Why clips could not be read, by row.
        not_kept : list of str
            Why features were not cached.
        """
        failures, not_kept = {}, []
        results = self._extract_all(clips)
        tracked = track(
            results,
            total=len(clips),
            description=self._progress_label,
            unit="songs",
            verbose=self.verbose,
        )
        with closing(results), closing(tracked):
            for i, (result, why_not_kept) in enumerate(tracked):
                if why_not_kept is not None:
                    not_kept.append(why_not_kept)
                try:
                    features[i] = self._as_row(result, dtype)
                except AudioError as error:
                    failures[i] = error
                    features[i] = self._unreadable_row()
        return failures, not_kept

    @abstractmethod
    def _make_kernel(self):
        """Return the function from segments to features."""

    @abstractmethod
    def _feature_shape(self, n_samples):
        """Return the number of bands and of frames for a segment of ``n_samples``."""

    def _feature_params(self):
        """Return the parameters that shape the features, as the cache may compare them."""
        return self.get_params()

    def _extract_all(self, clips):
        """Yield what `_extract` returns for each clip."""
        kernel, cache = self._make_kernel(), FeatureCache(self.cache, self)
        calls = (delayed(self._extract)(kernel, cache, clip) for clip in clips)
        return run_parallel(calls, n_jobs=self.n_jobs, prefer="threads")

    def _extract(self, kernel, cache, clip):
        """Return a clip's features, or its error, and why they cannot be kept, or None."""
        entry = cache.find(clip)
        features = cache.load(entry)
        if features is not None:
            return features, None
        try:
            features = self._compute(kernel, clip)
        except AudioError as error:
            return error, None
        except MemoryError as error:
            return no_memory(error), None
        return features, cache.store(entry, features)

    def _compute(self, kernel, clip):
        return self._join([compute_finite(kernel, segments) for segments in self._read(clip)])

    def _join(self, parts):
        """Make the features of a clip from those of its parts."""
        features = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return features if self._has_segments else features[0]

    def _read(self, clip):
        """Yield the segments of a clip, (n_segments, n_samples): of a long file, part by part."""
        sr, n_samples = self._working_sr, self._segment_samples()
        clip = at_rate(clip, self._waveform_sr, sr)
        if self._reads_in_parts:
            n_together = -(-round(_SECONDS_TOGETHER * sr) // n_samples)
            blocks = read_clip_blocks(clip, sr=sr, n_samples=n_together * n_samples)
        else:
            whole = read_clip(clip, sr=sr, duration=self.duration, timeout=self.timeout)
            blocks = iter([whole])
        n_bytes = 0
        for i, y in enumerate(blocks):
            if not is_too_short(len(y), sr):
                check_loudness(y)
            segments = self._cut(y, is_start=i == 0)
            if not len(segments):
                continue
            shape = self._feature_shape(segments.shape[1])
            if shape[1] < 1:
                raise AudioError({"": f"shorter than {self._shortest_segment}"})
            n_bytes += 4 * len(segments) * math.prod(shape)
            if n_bytes > _MAX_FEATURE_BYTES:
                limit = f"{_MAX_FEATURE_BYTES / 2**30:g} GiB"
                raise AudioError({"": f"its features take more than {limit}; set a duration"})
            check_energy(segments)
            yield segments

    @property
    def _progress_label(self):
        """What the progress bar says."""
        return type(self).__name__

    @property
    def _shortest_segment(self):
        """What a segment must at least hold, in words."""
        return "one frame"

    @property
    def _waveform_sr(self):
        """Sample rate in Hz of waveforms that do not carry their own."""
        return self.sr

    @property
    def _working_sr(self):
        """Sample rate in Hz at which clips are cut and transformed."""
        return self.sr

    @property
    def _reads_in_parts(self):
        """Whether a clip of any length is read part by part."""
        return (
            self.duration is None and self._segment_samples() is not None and self.timeout is None
        )

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
            return round(self.segment_duration * self._working_sr)
        if self.duration is not None:
            return round(self.duration * self._working_sr) // (self.n_segments or 1)
        return None

    def _cut(self, y, is_start=True):
        """Cut a waveform in segments, (n_segments, n_samples), at least one at the start."""
        if self.duration is not None:
            n_samples = round(self.duration * self._working_sr)
            y = y[:n_samples] if self._gives_ragged_bags else fit_length(y, n_samples)
        n_samples = self._segment_samples() or len(y)
        n_segments, rest = divmod(len(y), n_samples)
        is_short = n_segments == 0 and is_start
        if self.n_segments is None and (is_short or 2 * rest >= n_samples):
            whole = n_segments * n_samples
            y = np.concatenate([y[:whole], fit_length(y[whole:], n_samples)])
            n_segments += 1
        return y[: n_segments * n_samples].reshape(n_segments, n_samples)

    def _row_shape(self):
        """Return the shape of a clip's features; of an unreadable clip's, if they are ragged."""
        n_samples = self._segment_samples()
        if n_samples is None:
            shape = (self._feature_shape(round(self._working_sr))[0], 1)
        else:
            shape = self._feature_shape(n_samples)
        return (self.n_segments or 1, *shape) if self._has_segments else shape

    def _as_row(self, result, dtype):
        """Return features as they are assigned to a row, or raise the error that they are."""
        if isinstance(result, AudioError):
            raise result
        if self._gives_ragged_bags:
            return np.require(result, requirements="W")
        return result if dtype is None else convert(result, dtype)

    def _unreadable_row(self):
        return np.full(self._row_shape(), np.nan, dtype=np.float32)

    def _allocate(self, n_clips):
        if self._gives_ragged_bags:
            return np.empty(n_clips, dtype=object)
        return np.empty((n_clips, *self._row_shape()), dtype=np.float32)

    def _check_one_shape(self, needed_by):
        if self._gives_ragged_bags:
            raise ValueError(f"{needed_by} needs clips of one shape; set a duration and n_segments")

    def _check_out(self, out, n_clips):
        self._check_one_shape("out")
        shape = (n_clips, *self._row_shape())
        dtype = getattr(out, "dtype", None)
        if getattr(out, "shape", None) != shape or getattr(dtype, "kind", None) != "f":
            raise ValueError(
                f"out must be an array of floating-point numbers of shape {shape}, got "
                f"{type(out).__name__} of shape {getattr(out, 'shape', None)} and dtype {dtype}"
            )
        if isinstance(out, np.ndarray) and not out.flags.writeable:
            raise ValueError("out is read-only")
        if (
            hasattr(self, "set_output")
            and _get_output_config("transform", self)["dense"] != "default"
        ):
            raise ValueError("out needs set_output(transform='default')")
        return out

    def _check_clips(self, X, *, reset):
        # numbers too large for float32 become infinite, and are refused as that
        with np.errstate(all="ignore"):
            return validate_clips(
                self, X, sr=self._waveform_sr, reset=reset, allow_nan=self.on_error == "nan"
            )

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
        if n_samples is not None and not self._is_long_enough(n_samples):
            raise ValueError(
                f"The segments of {name} have {n_samples} samples, shorter than "
                f"{self._shortest_segment}; {self._how_to_lengthen()}"
            )

    def _is_long_enough(self, n_samples):
        return n_samples >= 1 and self._feature_shape(n_samples)[1] >= 1

    def _how_to_lengthen(self):
        if self.segment_duration is not None:
            return f"raise segment_duration={self.segment_duration:g}"
        lower = f", or lower n_segments={self.n_segments}" if self.n_segments else ""
        return f"raise duration={self.duration:g}{lower}"

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
