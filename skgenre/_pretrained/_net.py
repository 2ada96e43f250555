import hashlib
from contextlib import contextmanager

import numpy as np

from ._checkpoint import Checkpoint
from ._precision import settle_precision
from ._torch import autocast, memory_advice, seeded, torch

nn = torch.nn


class GenreNet(nn.Module):
    """A pretrained model with a head that tells the genre of a segment.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of the model.
    base : transformers.PreTrainedModel
        The model itself.
    layers : list of int
        Layers to take, as `Checkpoint.find_layers` returns them; several are averaged by weights
        that are learnt.
    pooling : {"mean", "max", "attention"}
        How the frames of a segment become one.
    hidden_layer_sizes : sequence of int
        Dense layers of the head, before its last one.
    dropout : float
        Before each dense layer.
    n_classes : int
        Number of genres.
    """

    def __init__(
        self, checkpoint, base, *, layers, pooling, hidden_layer_sizes, dropout, n_classes
    ):
        super().__init__()
        self.settings = {
            "layers": layers,
            "pooling": pooling,
            "hidden_layer_sizes": list(hidden_layer_sizes),
            "dropout": dropout,
            "n_classes": n_classes,
        }
        self.checkpoint, self.base = checkpoint, base
        width = checkpoint.find_width(layers)
        if len(layers) > 1:
            self.layer_scores = nn.Parameter(torch.zeros(len(layers)))
        if pooling == "attention":
            self.frame_scores = nn.Linear(width, 1)
        widths = [width, *hidden_layer_sizes]
        hidden = [
            nn.Sequential(nn.Dropout(dropout), nn.Linear(width, size), nn.GELU())
            for width, size in zip(widths, hidden_layer_sizes, strict=False)
        ]
        self.hidden = nn.Sequential(*hidden)
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], n_classes))
        self.trained: list[str] = []

    @property
    def n_features(self):
        """Number of values that the head gets."""
        return self.head[-1].in_features

    def embed(self, inputs):
        """Return what the last layer of the head gets, (n_segments, n_features)."""
        states = self.checkpoint.hear(self.base, inputs, self.settings["layers"])
        if len(states) > 1:
            shares = self.layer_scores.softmax(dim=0)
            frames = sum(share * state for share, state in zip(shares, states, strict=True))
        else:
            (frames,) = states
        return self.hidden(self._pool(frames))

    def forward(self, inputs):
        """Return the scores of the genres, (n_segments, n_classes), whose softmax is the answer."""
        return self.head(self.embed(inputs)).float()

    def _pool(self, frames):
        if self.settings["pooling"] == "mean":
            return frames.mean(dim=1)
        if self.settings["pooling"] == "max":
            return frames.amax(dim=1)
        return (self.frame_scores(frames).softmax(dim=1) * frames).sum(dim=1)

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into inputs on the net's device."""
        device = self.head[-1].weight.device
        inputs = self.checkpoint.family.prepare(segments)
        return {name: values.to(device) for name, values in inputs.items()}

    def choose_trained(self, *, freeze_feature_encoder, freeze_base):
        """Freeze parts of the base, and note what training may change."""
        family = self.checkpoint.family
        if freeze_base:
            self.base.requires_grad_(False)
        for name in [*family.fixed, *(family.convolutional if freeze_feature_encoder else ())]:
            _freeze(getattr(self.base, name, None))
        learnt = [name for name, values in self.named_parameters() if values.requires_grad]
        saved = self.state_dict().keys()
        self.trained = learnt + [name for name, _ in self.named_buffers() if name in saved]

    def suit_length(self, n_samples):
        """Turn off what training on segments of a length could not stand."""
        self.checkpoint.family.suit_training(self.base, self.settings["layers"], n_samples)

    def trained_weights(self):
        """Return copies of what training changes."""
        state = self.state_dict()
        return {name: state[name].detach().cpu().clone() for name in self.trained}


def _freeze(module):
    """Freeze a module, where a model has it."""
    if hasattr(module, "_freeze_parameters"):
        # of wav2vec 2.0 and its like, which else ask for the gradient of their input
        module._freeze_parameters()
    elif module is not None:
        module.requires_grad_(False)


def build_net(checkpoint, seed, **settings):
    """Return a net of pretrained weights with a new head."""
    base = checkpoint.load()
    with seeded(seed):
        return GenreNet(checkpoint, base, **settings)


@contextmanager
def recomputed_activations(model):
    """Keep few of the activations of a model's layers, and compute them again for the gradient."""
    # transformers is about to rename the methods
    is_renamed = hasattr(model, "activation_checkpointing_enable")
    kind = "activation" if is_renamed else "gradient"
    getattr(model, f"{kind}_checkpointing_enable")({"use_reentrant": False})
    try:
        yield
    finally:
        getattr(model, f"{kind}_checkpointing_disable")()


def to_state(net, *, with_base):
    """Return a net as numbers, strings and arrays, without code.

    Without the base, only what training changed is in it, and the checkpoint's files are needed to
    make the net again.
    """
    weights = {name: values.cpu().numpy() for name, values in net.state_dict().items()}
    state = {
        "checkpoint": net.checkpoint.to_state(),
        "settings": net.settings,
        "trained": net.trained,
        "digest": None if with_base else _digest_untrained(net),
    }
    if not with_base:
        weights = {name: weights[name] for name in net.trained}
    return {**state, "weights": weights}


def from_state(state):
    """Return the net that `to_state` was given, on the CPU."""
    if state["digest"] is None:
        checkpoint = Checkpoint.from_state(state["checkpoint"])
        base = checkpoint.build()
    else:
        checkpoint = Checkpoint.reopen(state["checkpoint"])
        base = checkpoint.load()
    with seeded(0):
        net = GenreNet(checkpoint, base, **state["settings"])
    net.trained = state["trained"]
    # a copy: the arrays may be a file that is mapped into memory
    weights = {name: torch.from_numpy(values.copy()) for name, values in state["weights"].items()}
    net.load_state_dict({**net.state_dict(), **weights})
    if state["digest"] not in (None, _digest_untrained(net)):
        raise ValueError(
            f"The checkpoint {checkpoint.name!r} has other weights than the one that was "
            "fine-tuned; the pickle was made with store_base_weights=False and needs those"
        )
    return net.eval()


def answer_segments(segments, *, net, embeds, device, precision):
    """Return what a net makes of segments: probabilities of genres, or what its head gets.

    Parameters
    ----------
    segments : ndarray of shape (n_segments, n_samples)
        At the checkpoint's sample rate.
    net : GenreNet
        The net, which is moved to the device.
    embeds : bool
        Whether to stop before the head.
    device : torch.device
        Where to compute.
    precision : str
        Name of a precision, or ``"auto"``.

    Returns
    -------
    answers : ndarray of shape (n_segments, n_answers, 1), dtype float32
        As bags hold them.
    """
    advice = f"lower batch_size (now at least {len(segments)})"
    with memory_advice(advice):
        inputs = net.to(device).eval().prepare(segments)
        precision = settle_precision(precision, device, net.checkpoint, net.base)
        with torch.inference_mode(), autocast(device, precision):
            answers = net.embed(inputs).float() if embeds else net(inputs).softmax(dim=1)
    return answers.cpu().numpy()[..., np.newaxis]


def _digest_untrained(net):
    """Return a digest of the weights that training leaves alone."""
    digest = hashlib.blake2b(digest_size=16)
    trained = set(net.trained)
    for name, values in sorted(net.state_dict().items()):
        if name not in trained:
            digest.update(name.encode())
            digest.update(values.cpu().contiguous().numpy().data)
    return digest.hexdigest()
