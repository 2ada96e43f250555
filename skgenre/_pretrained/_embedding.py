from .._statistics import summarize_frames
from ._checkpoint import frozen_model, hidden_states
from ._precision import settle_precision
from ._torch import autocast, memory_advice, torch


def embed_segments(segments, *, checkpoint, layers, statistics, device, precision):
    """Return statistics over time of a frozen model's layers, as one frame for each segment.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, n_samples)
        At the checkpoint's sample rate.
    checkpoint : Checkpoint
        Of the model, whose weights are loaded here.
    layers : list of int
        As `Checkpoint.find_layers` returns them.
    statistics : sequence of str
        Names of `STATISTICS`.
    device : torch.device
        Where to compute.
    precision : str
        Name of a precision, or ``"auto"``.

    Returns
    -------
    features : ndarray of shape (n_segments, n_statistics * n_layers * width, 1), dtype float32
        Of the first statistic all layers, then of the next.
    """
    prepared = checkpoint.prepare(segments)
    advice = f"lower batch_size (now at least {len(segments)}), or give shorter segments"
    with memory_advice(advice):
        model = frozen_model(checkpoint, device)
        precision = settle_precision(precision, device, checkpoint, model)
        inputs = {name: values.to(device) for name, values in prepared.items()}
        with torch.inference_mode(), autocast(device, precision):
            states = hidden_states(model, inputs, layers)
    frames = torch.cat([state.float() for state in states], dim=-1).cpu().numpy()
    return summarize_frames(frames, statistics)
