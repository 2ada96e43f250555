import numpy as np

from .._statistics import summarize_frames
from ._checkpoint import frozen_model
from ._precision import settle_precision
from ._torch import autocast, memory_advice, torch


def embed_segments(segments, *, checkpoint, layers, statistics, device, precision, batch_size):
    """Return statistics over time of a frozen model's layers, as one frame for each segment.

    Segments longer than the model can hear are heard in parts, and the statistics are over the
    frames of all of them.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, n_samples)
        At the checkpoint's sample rate.
    checkpoint : Checkpoint
        Of the model, whose weights are loaded here.
    layers : list
        As `Checkpoint.find_layers` returns them.
    statistics : sequence of str
        Names of `STATISTICS`.
    device : torch.device
        Where to compute.
    precision : str
        Name of a precision, or ``"auto"``.
    batch_size : int
        The most parts that the model gets at once.

    Returns
    -------
    features : ndarray of shape (n_segments, n_statistics * n_values, 1), dtype float32
        Of the first statistic all layers, then of the next.
    """
    parts = checkpoint.cut(segments)
    n_segments, n_parts, _ = parts.shape
    parts = parts.reshape(n_segments * n_parts, -1)
    batches = np.array_split(parts, -(-len(parts) // batch_size))
    advice = f"lower batch_size (now at least {len(batches[0])}), or give shorter segments"
    with memory_advice(advice):
        model = frozen_model(checkpoint, device)
        precision = settle_precision(precision, device, checkpoint, model)
        heard = [_hear(model, batch, checkpoint, layers, device, precision) for batch in batches]
    features = []
    for of_layer in zip(*heard, strict=True):
        frames = np.concatenate(of_layer)
        frames = frames.reshape(n_segments, -1, frames.shape[-1])
        summary = summarize_frames(frames, statistics)
        features.append(summary.reshape(n_segments, len(statistics), -1))
    return np.concatenate(features, axis=2).reshape(n_segments, -1, 1)


def _hear(model, segments, checkpoint, layers, device, precision):
    """Return the frames of layers, a list of arrays (n_segments, n_frames, width)."""
    prepared = checkpoint.family.prepare(segments)
    inputs = {name: values.to(device) for name, values in prepared.items()}
    with torch.inference_mode(), autocast(device, precision):
        states = checkpoint.hear(model, inputs, layers)
    return [state.float().cpu().numpy() for state in states]
