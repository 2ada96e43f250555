"""Waveforms of the length that is needed."""

import numpy as np


def fit_length(waveforms, n_samples):
    """Crop waveforms, or repeat them from their start, to ``n_samples`` along the last axis."""
    length = waveforms.shape[-1]
    if length < n_samples:
        waveforms = np.tile(waveforms, -(-n_samples // length))
    return waveforms[..., :n_samples]
