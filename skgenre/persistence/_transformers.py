"""Transformers of ours, and how scikit-learn puts steps together."""

from contextlib import suppress

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.model_selection._search import BaseSearchCV
from sklearn.neural_network import BernoulliRBM
from sklearn.pipeline import FeatureUnion, Pipeline

from ..feature_selection import FeatureWizSelector
from ..preprocessing import SegmentSummarizer, SpectrogramScaler
from ._graph import Value
from ._steps import ExportError, Song, check_value, classify, decide, name_step, transform


def _run_through(step, x, graph):
    for _, inner in step.steps[:-1]:
        x = _transform_or_pass(inner, x, graph)
    return step.steps[-1][1], x


def _transform_or_pass(step, x, graph):
    return x if step is None or step == "passthrough" else transform(step, x, graph)


@transform.register
def _(step: Pipeline, x, graph):
    last, x = _run_through(step, x, graph)
    return _transform_or_pass(last, x, graph)


@classify.register
def _(step: Pipeline, x, graph):
    last, x = _run_through(step, x, graph)
    return classify(last, x, graph)


@decide.register
def _(step: Pipeline, x, graph):
    last, x = _run_through(step, x, graph)
    return decide(last, x, graph)


_WRAPPERS = {BaseSearchCV: "best_estimator_"}
with suppress(ImportError):  # scikit-learn 1.5 has none
    from sklearn.frozen import FrozenEstimator

    _WRAPPERS[FrozenEstimator] = "estimator"


def _unwrap(add, attribute):
    return lambda step, x, graph: add(getattr(step, attribute), x, graph)


for kind, attribute in _WRAPPERS.items():
    for add in (transform, classify, decide):
        add.register(kind, _unwrap(add, attribute))


@transform.register
def _(step: FeatureUnion, x, graph):
    names, width = [], 0
    weights = step.transformer_weights or {}
    for name, inner in step.transformer_list:
        if inner == "drop":
            continue
        value = check_value(inner, _transform_or_pass(inner, x, graph))
        if not value.is_table:
            raise ExportError(
                f"{name_step(step)} joins segments, of {name!r}, but a model file can only join "
                "tables"
            )
        weighted = value.name
        if name in weights:
            weighted = graph.add("Mul", weighted, np.float32(weights[name]))
        names.append(weighted)
        width += value.shape[1]
    return Value(graph.join(names, axis=1), (1, width))


@transform.register
def _(step: ColumnTransformer, x, graph):
    if isinstance(x, Song):
        raise ExportError(
            f"{name_step(step)} takes a table with other columns than the songs, as the recipe "
            "'metadata' does, but a model file takes songs only. Export the pipeline of the songs"
        )
    return transform.dispatch(object)(step, x, graph)


@transform.register
def _(step: SpectrogramScaler, x, graph):
    x = check_value(step, x)
    mean, scale = step.mean_.astype(np.float32), step.scale_.astype(np.float32)
    if not x.is_table:
        mean, scale = mean[:, np.newaxis], scale[:, np.newaxis]
    return Value(graph.add("Div", graph.add("Sub", x.name, mean), scale), x.shape)


@transform.register
def _(step: FeatureWizSelector, x, graph):
    x = check_value(step, x)
    places = np.flatnonzero(step.support_)
    return Value(graph.columns(x.name, places), (x.shape[0], len(places)))


@transform.register
def _(step: BernoulliRBM, x, graph):
    x = check_value(step, x)
    weights, bias = (
        values.astype(np.float64) for values in (step.components_.T, step.intercept_hidden_)
    )
    hidden = graph.add("MatMul", graph.cast(x.name, np.float64), weights)
    hidden = graph.add("Sigmoid", graph.add("Add", hidden, bias))
    return Value(graph.cast(hidden, np.float32), (x.shape[0], len(step.intercept_hidden_)))


@transform.register
def _(step: SegmentSummarizer, x, graph):
    x = check_value(step, x)
    n_bands = step.n_bands_
    bands = graph.cast(x.name, np.float64)
    if not x.is_table:
        bands = graph.add("Transpose", bands, perm=[1, 0, 2])
    bands = graph.reshape(bands, n_bands, -1)
    parts = [summarize(name, bands, graph) for name in step.statistics]
    row = graph.reshape(graph.cast(graph.join(parts, axis=0), np.float32), 1, -1)
    return Value(row, (1, n_bands * len(parts)))


def summarize(name, values, graph):
    """Add a statistic, of those that `_statistics` has, over the last axis of doubles."""
    if name in ("mean", "min", "max"):
        return graph.reduce(f"Reduce{name.capitalize()}", values, -1)
    if name == "median":
        return _median(values, graph)
    mean = graph.reduce("ReduceMean", values, -1, keepdims=1)
    apart = graph.add("Sub", values, mean)
    variance = graph.reduce("ReduceMean", graph.add("Mul", apart, apart), -1, keepdims=1)
    if name == "var":
        return graph.add("Squeeze", variance, np.array([-1]))
    deviation = graph.add("Sqrt", variance)
    if name == "std":
        return graph.add("Squeeze", deviation, np.array([-1]))
    order, normal = {"skew": (3, 0), "kurtosis": (4, 3)}[name]
    least = graph.add("Mul", graph.add("Abs", mean), np.float64(np.finfo(np.float32).eps))
    is_constant = graph.add("LessOrEqual", deviation, least)
    scaled = graph.add("Div", apart, graph.add("Where", is_constant, np.float64(1), deviation))
    moments = graph.add("Sub", graph.add("Pow", scaled, np.float64(order)), np.float64(normal))
    moments = graph.add("Where", is_constant, np.float64(0), moments)
    return graph.reduce("ReduceMean", moments, -1)


def _median(values, graph):
    n_values = graph.add("Shape", values, start=-1)
    ordered, _ = graph.add("TopK", values, n_values, n_outputs=2, axis=-1)
    one, two = np.array([1]), np.array([2])
    places = [
        graph.add("Div", graph.add("Sub", n_values, one), two),
        graph.add("Div", n_values, two),
    ]
    middle = graph.add("Gather", ordered, graph.join(places, axis=0), axis=-1)
    return graph.reduce("ReduceMean", middle, -1)
