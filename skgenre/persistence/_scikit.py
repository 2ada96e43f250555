"""Transformers and classifiers of scikit-learn on tables, by skl2onnx."""

import warnings

import numpy as np
import onnx
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.base import is_classifier

from .._onnx._runtime import open_session, run
from ._format import OPSETS
from ._graph import Value, check_operators
from ._steps import ExportError, name_step

# A converter is believed where it agrees with scikit-learn this well on random rows.
_TOLERANCE = 1e-4
_N_ROWS = 64


def transform_table(step, x, graph):
    """Add what a transformer of scikit-learn makes of a table."""
    columns = _check_columns(step, x)
    width = _ask(step.transform, np.zeros((1, columns), np.float32)).shape[1]
    name = graph.cast(_add(step, x, graph, step.transform, {}), np.float32)
    return Value(name, (x.shape[0], width))


def classify_table(step, x, graph):
    """Add the probabilities that a classifier of scikit-learn gives for a table."""
    _check_columns(step, x)
    if len(step.classes_) < 2:  # onnxruntime would end the process at trees of one
        raise ExportError(f"{name_step(step)} knows a single genre, {step.classes_[0]!r}")
    return _add(step, x, graph, step.predict_proba, {"zipmap": False})


def decide_table(step, x, graph):
    """Add the decision function of a classifier of scikit-learn on a table."""
    _check_columns(step, x)

    def ask(rows):
        decision = step.decision_function(rows)
        return decision[:, np.newaxis] if decision.ndim == 1 else decision

    return _add(step, x, graph, ask, {"zipmap": False, "raw_scores": True})


def _check_columns(step, x):
    if not x.is_table:
        raise ExportError(
            f"{name_step(step)} gets segments of shape {x.shape[1:]} where a model file knows only "
            "tables; put it in a SegmentVotingClassifier, or a SegmentSummarizer before it"
        )
    return x.shape[1]


def _add(step, x, graph, ask, options):
    """Add what skl2onnx makes of a step, computed in double precision where it can be."""
    rows = np.random.RandomState(0).standard_normal((_N_ROWS, x.shape[1])).astype(np.float32)
    expected = _ask(ask, rows)
    reasons = []
    for kind, dtype in ((DoubleTensorType, np.float64), (FloatTensorType, np.float32)):
        try:
            model = _convert(step, kind([None, x.shape[1]]), options)
            check_operators(model)
            _check_types(model, dtype)
            output, width = _find_output(model, rows.astype(dtype), expected)
        except Exception as error:  # of skl2onnx, onnx and onnxruntime, of many classes
            reasons.append(f"{type(error).__name__}: {error}".split("\n")[0][:300])
            continue
        (taken,) = model.graph.input
        given = graph.merge(model, {taken.name: graph.cast(x.name, dtype)})[output]
        given = graph.reshape(graph.cast(given, np.float64), -1, width)
        n_columns = expected.shape[1]
        if width > n_columns:  # decisions for two genres
            given = graph.columns(given, range(width - n_columns, width))
        return given
    raise ExportError(
        f"{name_step(step)} cannot be written to a model file: {reasons[-1]}. Take another step, "
        "or keep the pipeline as a pickle"
    )


def _ask(method, rows):
    """Return what a step says of rows that may have had names when it was fitted, as an array."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(method(rows))


def _convert(step, kind, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return convert_sklearn(
            step,
            initial_types=[("X", kind)],
            options={id(step): options} if is_classifier(step) else None,
            target_opset=OPSETS,
        )


def _check_types(model, dtype):
    """Refuse what onnxruntime computes wrongly, or ends the process at."""
    onnx.checker.check_model(model, full_check=True)
    has_trees = any(node.op_type.startswith("TreeEnsemble") for node in model.graph.node)
    if has_trees and dtype == np.float64:
        raise ValueError("skl2onnx writes trees for floats of single precision alone")


def _find_output(model, rows, expected):
    """Return the output whose last columns are what scikit-learn says of rows, and its width."""
    session = open_session(model.SerializeToString())
    differences = {}
    for value in session.get_outputs():
        (given,) = run(session, [value.name], {session.get_inputs()[0].name: rows})
        if given.dtype in (np.float32, np.float64):
            given = given.reshape(len(rows), -1)
            width, n_columns = given.shape[1], expected.shape[1]
            if width >= n_columns:
                difference = np.abs(given[:, width - n_columns :] - expected)
                scaled = difference / np.maximum(np.abs(expected), 1)
                differences[value.name, width] = scaled.max()
    if not differences:
        raise ValueError("skl2onnx gives none of its answers")
    best = min(differences, key=differences.__getitem__)
    if not differences[best] <= _TOLERANCE:
        raise ValueError(
            f"what skl2onnx makes of it differs from scikit-learn by {differences[best]:.2g}"
        )
    return best
