"""The transformers that model files name: what makes the features of songs."""

from typing import NamedTuple

import numpy as np

from ..feature_extraction import (
    AudioDescriptorTransformer,
    MelSpectrogramTransformer,
    MFCCSegmenter,
)
from ..feature_extraction._base import BaseClipTransformer
from ..feature_extraction._frontends import MelFrontend, make_musicnn_kernel
from ..feature_extraction._spectrum import MUSICNN
from ..feature_extraction._waveform_segments import WaveformSegments
from ._format import RATES, READING, ModelFileError

_MOST = {
    "sr": 1e6,
    "orig_sr": 1e6,
    "working_sr": 1e6,
    "n_fft": 2**15,
    "hop_length": 2**20,
    "n_mels": 2**10,
    "n_mfcc": 2**10,
    "n_frames": 2**12,
    "n_segments": 10_000,
    "max_segments": 10_000,
    "duration": 1e5,
    "segment_duration": 1e5,
}
# How many times longer waveforms may become where they are resampled.
_MAX_STRETCH = 100
_MAX_SAMPLES = 2**26
_MAX_OVERLAP = 64
# Samples of a segment, times how many frames each is in.
_MAX_WORK = 2**27
_MAX_FEATURE_BYTES = 2**28


class _Taken(NamedTuple):
    """What a net takes, as front ends ask for it."""

    name: str
    shape: tuple


class LogMelPatches(BaseClipTransformer):
    """Turn clips into patches of what musicnn hears, as `OnnxEmbedder` gives them to its net.

    Gives (n_clips, n_segments, n_patches, n_frames, n_mels), ragged where the number of segments or
    their length is not known; ``n_segments`` is 1 where clips are not cut.
    """

    _parameter_constraints: dict = {
        **BaseClipTransformer._parameter_constraints,
        "n_frames": BaseClipTransformer._parameter_constraints["n_segments"][:1],
    }

    def __init__(
        self,
        *,
        sr=22050,
        duration=30.0,
        n_segments=None,
        segment_duration=None,
        n_frames=187,
        cache=None,
        on_error="raise",
        timeout=None,
        n_jobs=None,
        verbose=0,
    ):
        self.sr = sr
        self.duration = duration
        self.n_segments = n_segments
        self.segment_duration = segment_duration
        self.n_frames = n_frames
        self.cache = cache
        self.on_error = on_error
        self.timeout = timeout
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _make_kernel(self):
        return self._frontend

    @property
    def _frontend(self):
        taken = _Taken("the model file", (self.n_frames, MUSICNN["n_mels"]))
        return MelFrontend(taken, make_musicnn_kernel, center=True, **MUSICNN)

    @property
    def _working_sr(self):
        return MUSICNN["sr"]

    def _feature_shape(self, n_samples):
        return self._frontend.count_patches(n_samples), self.n_frames, MUSICNN["n_mels"]


TRANSFORMERS = {
    kind.__name__: kind
    for kind in (
        MelSpectrogramTransformer,
        MFCCSegmenter,
        AudioDescriptorTransformer,
        LogMelPatches,
        WaveformSegments,
    )
}


def make_transformer(part):
    """Return the transformer that a file names, or say what is wrong with it.

    Parameters
    ----------
    part : Features
        As the file has it.
    """
    kind = TRANSFORMERS[part.transformer]
    known = set(kind().get_params()) - set(READING)
    unknown = sorted(set(part.params) - known)
    if unknown:
        raise ModelFileError(
            f"its {part.name!r} have parameters that {part.transformer} does not have: "
            f"{', '.join(map(repr, unknown))[:200]}"
        )
    params = {name: _as_parameter(part, name, value) for name, value in part.params.items()}
    transformer = kind(**params)
    try:
        transformer._validate_params()
        transformer._check_settings()
        shape = _shape_of(transformer)
        _check_work(transformer)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise ModelFileError(f"its {part.name!r} cannot be made: {str(error)[:500]}") from error
    if not _agree(shape, part.shape):
        raise ModelFileError(
            f"its {part.name!r} are said to have the shape {part.shape}, and {part.transformer} "
            f"gives {shape}"
        )
    return transformer


def count_segments(transformers):
    """Return the most segments that a song has for any of transformers, or None for any number."""
    counts = []
    for transformer in transformers:
        n_segments = transformer.n_segments or 1
        if getattr(transformer, "max_segments", None) is not None:
            n_segments = transformer.max_segments
        elif transformer._gives_ragged_bags:
            if transformer.duration is None or transformer.segment_duration is None:
                return None
            n_segments = round(transformer.duration / transformer.segment_duration) + 1
        counts.append(n_segments)
    return max(counts, default=None)


def _as_parameter(part, name, value):
    is_list = isinstance(value, list)
    if isinstance(value, dict) or (is_list and any(isinstance(v, list | dict) for v in value)):
        raise ModelFileError(f"its {part.name!r} have {name}={str(value)[:100]}")
    if is_list:
        if len(value) > _MOST["n_fft"]:
            raise ModelFileError(f"its {part.name!r} have {len(value)} numbers of {name}")
        return np.array(value) if name == "window" else tuple(value)
    most = _MOST.get(name)
    if most is not None and isinstance(value, int | float) and value > most:
        raise ModelFileError(f"its {part.name!r} have {name}={value}, more than {most:g}")
    return value


def _shape_of(transformer):
    """Return the shape of a song's features, the segments first; None where any length will do."""
    n_samples = transformer._segment_samples()
    if n_samples is None:
        shape = transformer._feature_shape(round(transformer._working_sr))
        shape = (shape[0], None) if len(shape) == 2 else (None, *shape[1:])
    else:
        shape = transformer._feature_shape(n_samples)
    if isinstance(transformer, AudioDescriptorTransformer) and not transformer._has_segments:
        shape = shape[:1]
    return (transformer.n_segments if transformer._has_segments else 1, *shape)


def _agree(shape, said):
    return len(shape) == len(said) and all(
        own is None or other is None or own == other for own, other in zip(shape, said, strict=True)
    )


def _check_work(transformer):
    given, needed = transformer._waveform_sr, transformer._working_sr
    if not all(RATES[0] <= rate <= RATES[1] for rate in (given, needed)):
        raise ValueError(f"rates of {given:g} and {needed:g} Hz are too low or too high")
    if needed / given > _MAX_STRETCH:
        raise ValueError(f"waveforms at {given:g} Hz are not resampled to {needed:g} Hz")
    n_samples = transformer._segment_samples()
    if transformer.duration is not None:
        n_whole = round(transformer.duration * transformer._working_sr)
        if not 1 <= n_whole <= _MAX_SAMPLES:
            raise ValueError(f"duration={transformer.duration} is too short or too long")
    if n_samples is not None and n_samples > _MAX_SAMPLES:
        raise ValueError(f"segment_duration={transformer.segment_duration} is too long")
    overlap = getattr(transformer, "n_fft", 1) / getattr(transformer, "hop_length", 1)
    if overlap > _MAX_OVERLAP or overlap * (n_samples or 0) > _MAX_WORK:
        raise ValueError(
            f"hop_length={transformer.hop_length} is too short for n_fft={transformer.n_fft}"
        )
    if n_samples is not None:
        n_values = np.prod(transformer._feature_shape(n_samples), dtype=float)
        if 4 * n_values * (transformer.n_segments or 1) > _MAX_FEATURE_BYTES:
            raise ValueError("a song's features take more than 256 MiB")
