"""The graph of a fitted pipeline."""

from typing import Any, NamedTuple

import onnx

from .._onnx._runtime import open_session
from . import _frontends, _nets, _pretrained_nets, _transformers  # noqa: F401 - they register their steps
from ._format import (
    PROBABILITIES,
    SEGMENT_PROBABILITIES,
    WAVEFORM,
    Features,
    Segments,
    feature_name,
    seal,
)
from ._graph import Graph
from ._model_file import ModelFile
from ._steps import ExportError, Song, check_size, classify


class Built(NamedTuple):
    """A model and what its file says of how to hear songs."""

    model: Any
    sr: float
    features: tuple
    segments: Segments
    aggregate: str


def build(clf, *, include_features):
    """Return the `Built` graph of a fitted classifier."""
    graph = Graph()
    song = Song()
    answer = classify(clf, song, graph)
    for name, value in ((SEGMENT_PROBABILITIES, answer.segments), (PROBABILITIES, answer.song)):
        graph.add("Cast", value, name=name, to=onnx.TensorProto.FLOAT)
    values = [value for _, value in song.features]
    features = [feature for feature, _ in song.features]
    if not features:
        raise ExportError("The classifier takes no songs")
    inputs = {value.name: value.shape for value in values}
    named = {}
    first = features[0]
    hears = include_features and _agree(features)
    if hears:
        front = Graph("f")
        for feature, value in song.features:
            feature.build(front, WAVEFORM, value.name)
        graph.put_before(front)
        inputs, named = {WAVEFORM: (None, first.n_samples)}, inputs
    n_genres = len(clf.classes_)
    n_segments = 1 if answer.aggregate == "song" else None
    outputs = {SEGMENT_PROBABILITIES: (n_segments, n_genres), PROBABILITIES: (1, n_genres)}
    return Built(
        model=graph.finish(inputs, outputs, named),
        sr=first.sr,
        features=tuple(
            Features(feature_name(number), feature.transformer, feature.params, value.shape)
            for number, (feature, value) in enumerate(song.features)
        ),
        segments=Segments(**first.cut, n_samples=first.n_samples if hears else None),
        aggregate=answer.aggregate,
    )


def _agree(features):
    """Tell whether a graph can make all features, of songs that are cut in one way."""
    cuts = [
        (feature.sr, feature.n_samples, feature.cut, feature.params.get("max_segments"))
        for feature in features
    ]
    return all(feature.build is not None for feature in features) and all(
        cut == cuts[0] for cut in cuts
    )


def serialize(model, props):
    """Return a model as the bytes of a file with its metadata, which whoever loads it can read."""
    check_size("The model", sum(len(tensor.raw_data) for tensor in model.graph.initializer))
    onnx.helper.set_model_props(model, props)
    model.producer_name = "skgenre"
    onnx.checker.check_model(model, full_check=True)
    data = seal(model.SerializeToString(deterministic=True))
    open_session(data)
    ModelFile("The model", data)
    return data
