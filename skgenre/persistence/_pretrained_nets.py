"""Pretrained models of torch as graphs."""

import numpy as np
import onnx

from ..feature_extraction import Wav2VecEmbedder
from ..feature_extraction._waveform_segments import WaveformSegments
from ..neural_network._fine_tuning import BaseFineTunedClassifier
from ._classifiers import aggregate
from ._format import OPSETS
from ._graph import Value, check_operators
from ._steps import ExportError, Song, check_size, classify, name_step, transform
from ._transformers import summarize


@classify.register
def _(step: BaseFineTunedClassifier, x, graph):
    net = step.model_
    features = _take_segments(step, x, net.checkpoint, graph, **_cut_of(step))
    (scores,) = _add_model(step, net.checkpoint, net, lambda inputs: [net(inputs)], features, graph)
    proba = graph.add("Softmax", graph.cast(scores, np.float64), axis=1)
    return aggregate(proba, step.aggregate, graph, np.float32)


@transform.register
def _(step: BaseFineTunedClassifier, x, graph):
    net = step.model_
    features = _take_segments(step, x, net.checkpoint, graph, **_cut_of(step))

    def embed(inputs):
        return [net.embed(inputs)]

    (units,) = _add_model(step, net.checkpoint, net, embed, features, graph)
    return Value(graph.reduce("ReduceMean", units, 0, keepdims=1), (1, net.n_features))


@transform.register
def _(step: Wav2VecEmbedder, x, graph):
    from .._pretrained._checkpoint import frozen_model
    from .._pretrained._torch import find_device

    checkpoint = step._open_checkpoint()
    layers = checkpoint.find_layers(step.layers)
    features = _take_segments(
        step,
        x,
        checkpoint,
        graph,
        duration=step.duration,
        n_segments=step.n_segments,
        segment_duration=step.segment_duration,
    )
    model = frozen_model(checkpoint, find_device("cpu"))

    def hear(inputs):
        return checkpoint.hear(model, inputs, layers)

    states = [
        graph.cast(graph.add("Transpose", frames, perm=[0, 2, 1]), np.float64)
        for frames in _add_model(step, checkpoint, model, hear, features, graph)
    ]
    parts = [summarize(name, values, graph) for name in step.statistics for values in states]
    row = graph.cast(graph.join(parts, axis=1), np.float32)
    width = len(step.statistics) * step._n_values
    if not step._has_segments:
        return Value(row, (1, width))
    return Value(graph.add("Unsqueeze", row, np.array([2])), (None, width, 1))


def _cut_of(step):
    checkpoint = step.model_.checkpoint
    return {
        "duration": None,
        "n_segments": None,
        "segment_duration": step._segment_samples(checkpoint) / checkpoint.sr,
        "max_segments": step.n_segments,
    }


def _take_segments(step, x, checkpoint, graph, **cut):
    """Take segments of waveform of the song, (n_segments, 1, n_samples)."""
    from .._pretrained._trace import hears_waveforms

    if not isinstance(x, Song):
        raise ExportError(f"{name_step(step)} must be the first step of a pipeline")
    if not hears_waveforms(checkpoint):
        raise ExportError(
            f"{name_step(step)} has a model of type {checkpoint.config.model_type!r} with a "
            f"{type(checkpoint.extractor).__name__} and cannot be written to a model file; only "
            "models that take waveforms can, such as wav2vec2, hubert and wavlm. Use a pickle"
        )
    segments = WaveformSegments(sr=step.sr, working_sr=checkpoint.sr, **cut)
    n_samples = segments._segment_samples()
    if n_samples is None:
        raise ExportError(
            f"{name_step(step)} takes songs of any length as a whole, which a model file cannot; "
            "set a duration or a segment_duration"
        )
    if n_samples > (checkpoint.family.longest or n_samples):
        raise ExportError(
            f"{name_step(step)} has a model that takes at most {checkpoint.family.longest} samples "
            f"at a time, but segments have {n_samples}; use shorter segments"
        )
    return transform(segments, x, graph)


def _add_model(step, checkpoint, model, answer, features, graph):
    """Add the answers of a model, and return their names."""
    from .._pretrained._trace import trace

    n_bytes = sum(values.nbytes for values in model.state_dict().values())
    check_size(name_step(step), n_bytes)
    try:
        traced = onnx.load_from_string(
            trace(checkpoint, model, answer, n_samples=features.shape[-1], opset=OPSETS[""])
        )
        check_operators(traced)
    except Exception as error:  # of torch, of many classes, and of the model's own code
        reason = str(error).split("\n")[0][:300]
        raise ExportError(
            f"The model of {name_step(step)} cannot be written to a model file: "
            f"{type(error).__name__}: {reason}"
        ) from error
    segments = graph.add("Squeeze", features.name, np.array([1]))
    given = graph.merge(traced, {"segments": segments})
    return [given[value.name] for value in traced.graph.output]
