import warnings

from ._torch import autocast, find_precision, torch

# The largest difference between the frames of two precisions, as a share of the frames themselves,
# with which the lower one is used. Nets of a real width differ by a few hundredths in bfloat16;
# where the convolutions go wrong, by a whole.
_LARGEST_DIFFERENCE = 0.1
_settled: dict = {}


def settle_precision(precision, device, checkpoint, model):
    """Return the name of a precision; of ``"auto"``, the fastest one that is right for a model.

    A second of noise is computed in both precisions, once for each kind of model in a process:
    bfloat16 convolutions of torch 2.13 are wrong on some CPUs for nets of few channels.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16", "float16"}
        The precision asked for.
    device : torch.device
        Where the model is.
    checkpoint : Checkpoint
        Of the model.
    model : transformers.PreTrainedModel
        The model, for inference.

    Returns
    -------
    precision : {"float32", "bfloat16", "float16"}
        The one to compute in.
    """
    fastest = find_precision(precision, device)
    if precision != "auto" or fastest == "float32":
        return fastest
    key = device, checkpoint.architecture
    if key not in _settled:
        difference = _compare_with_float32(fastest, device, checkpoint, model)
        is_right = difference <= _LARGEST_DIFFERENCE
        _settled[key] = fastest if is_right else "float32"
        if not is_right:
            warnings.warn(
                f"The checkpoint {checkpoint.name!r} is inaccurate in {fastest} on this "
                f"machine (it differs by {difference:.0%}), so precision='auto' is float32",
                stacklevel=2,
            )
    return _settled[key]


def _compare_with_float32(precision, device, checkpoint, model):
    """Return how far the frames of a second of noise are from those of float32, as a share."""
    family = checkpoint.family
    prepared = family.prepare(checkpoint.make_noise())
    inputs = {name: values.to(device) for name, values in prepared.items()}
    frames = []
    for name in ("float32", precision):
        with torch.inference_mode(), autocast(device, name):
            (states,) = checkpoint.hear(model, inputs, [family.n_layers])
        frames.append(states.float())
    expected, found = frames
    return float((found - expected).norm() / expected.norm())
