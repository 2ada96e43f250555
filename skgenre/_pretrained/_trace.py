"""Models of torch as ONNX."""

import tempfile
import warnings
from pathlib import Path

import numpy as np

from .._lengths import fit_length
from .._onnx._runtime import open_session, run
from ._torch import torch, transformers

# How far the answers of a graph may be from torch's, as a share of them.
_TOLERANCE = 1e-3


class Heard(torch.nn.Module):
    """A model together with what is done to segments before it hears them.

    Parameters
    ----------
    checkpoint : Checkpoint
        Of the model, which must take waveforms.
    model : torch.nn.Module
        What is asked.
    answer : callable
        From the inputs of the model to a list of tensors.
    """

    def __init__(self, checkpoint, model, answer):
        super().__init__()
        self.family, self.model, self.answer = checkpoint.family, model, answer

    def forward(self, segments):
        """Return the answers for segments, (n_segments, n_samples), as `Family.prepare` has them.

        That is outside of torch, and cannot be traced.
        """
        n_samples = segments.shape[1]
        if n_samples < self.family.shortest:
            places = fit_length(np.arange(n_samples), self.family.shortest)
            segments = segments[:, torch.from_numpy(places)]
        if self.family.extractor.do_normalize:
            exact = segments.double()
            exact = exact - exact.mean(dim=1, keepdim=True)
            variance = exact.square().mean(dim=1, keepdim=True)
            segments = (exact / (variance + 1e-7).sqrt()).float()
        return tuple(self.answer({"input_values": segments}))


def hears_waveforms(checkpoint):
    """Tell whether a model takes waveforms that are normalised at most, and no spectrograms."""
    return type(checkpoint.extractor) is transformers.Wav2Vec2FeatureExtractor


def trace(checkpoint, model, answer, *, n_samples, opset):
    """Return what a model answers to segments as the bytes of an ONNX file, in float32.

    Parameters
    ----------
    checkpoint, model, answer
        As `Heard` takes them.
    n_samples : int
        Length of a segment.
    opset : int
        Version of ONNX's operators.

    Returns
    -------
    data : bytes
        Of a graph without metadata of any number of segments.

    Raises
    ------
    ValueError
        If the graph does not answer as the model does.
    """
    heard = Heard(checkpoint, model.to("cpu"), answer).eval()
    noise = np.random.RandomState(0).normal(0.01, 0.1, size=(5, n_samples)).astype(np.float32)
    with (
        torch.no_grad(),
        warnings.catch_warnings(),
        tempfile.TemporaryDirectory() as folder,
    ):
        # of branches in Python that hang on shapes alone, and of the exporter being the older one:
        # the other needs a package more, takes thirty times as long and notes where it was run
        warnings.simplefilter("ignore")
        path = Path(folder, "model.onnx")
        torch.onnx.export(
            heard,
            (torch.from_numpy(noise[:2]),),
            path,
            dynamo=False,
            opset_version=opset,
            input_names=["segments"],
            dynamic_axes={"segments": {0: "n_segments"}},
        )
        data = path.read_bytes()
        expected = answer(checkpoint.family.prepare(noise[2:]))
    session = open_session(data)
    names = [value.name for value in session.get_outputs()]
    for found, states in zip(run(session, names, {"segments": noise[2:]}), expected, strict=True):
        difference = np.linalg.norm(found - states.numpy()) / np.linalg.norm(states.numpy())
        if not difference <= _TOLERANCE:
            raise ValueError(f"as a graph its answers differ by {difference:.0%}")
    return data
