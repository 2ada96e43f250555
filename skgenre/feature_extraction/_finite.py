"""What a kernel is given and what it gives are numbers that can be computed with."""

import numpy as np

from ..audio import AudioError

# The largest sum of squared samples. Beyond it, power spectra may overflow float32, and some
# features would be finite and wrong. Music at full scale stays below it at any length.
_MAX_ENERGY = 1e30


def check_energy(segments):
    """Raise an `AudioError` where samples are too large to compute with, or not finite."""
    if not np.vdot(segments, segments) <= _MAX_ENERGY:
        peak = max(segments.max(), -segments.min())
        raise AudioError(
            {"": f"the largest sample is {peak:.3g}, where full scale is 1; scale the waveform"}
        )


def compute_finite(kernel, segments):
    """Return the features that a kernel gives, or raise an `AudioError` if they are not finite."""
    with np.errstate(all="ignore"):
        try:
            features = kernel(segments)
        except (ArithmeticError, np.linalg.LinAlgError) as error:
            raise AudioError({"": f"its features cannot be computed: {error}"}) from error
    return as_finite(features)


def as_finite(features):
    """Return features as float32, or raise an `AudioError` where they are not finite."""
    with np.errstate(over="ignore"):
        features = features.astype(np.float32, copy=False)
    if not np.isfinite(features).all():
        raise AudioError({"": "its features are not finite"})
    return features


def convert(features, dtype):
    """Return features in another floating-point type, or raise an `AudioError`."""
    with np.errstate(over="raise"):
        try:
            return features.astype(dtype)
        except FloatingPointError:
            largest = np.abs(features).max()
            reason = f"out has dtype {dtype}, which cannot hold {largest:.6g}"
            raise AudioError({"": reason}) from None


def no_memory(error):
    """Return a `MemoryError` as the `AudioError` of the clip that it is about."""
    detail = f" ({error})" if str(error) else ""
    return AudioError({"": f"there is not enough memory for its features{detail}; set a duration"})
