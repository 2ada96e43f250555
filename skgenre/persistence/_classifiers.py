"""Classifiers of ours, and what scikit-learn puts around classifiers."""

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

from ..ensemble import (
    GroupStackingClassifier,
    SegmentVotingClassifier,
    SelectiveClassifier,
    UnifiedGenreClassifier,
)
from ..ensemble._pool import LEAST_PROBABILITY, LogarithmicPool
from ..mixture import GaussianMixtureClassifier
from ._graph import Value
from ._scikit import classify_table
from ._steps import (
    Answer,
    ExportError,
    check_value,
    classify,
    decide,
    name_step,
    of_song,
    transform,
)

# scikit-learn's, before it takes the logarithm of probabilities for a temperature
_EPSILON = 1e-12


def aggregate(segments, method, graph, dtype):
    """Add the `Answer` for a song of the probabilities of its segments.

    Parameters
    ----------
    segments : str
        Name of probabilities (n_segments, n_genres).
    method : {"mean", "product", "vote"}
        As classifiers of segments take it.
    graph : Graph
    dtype : numpy.dtype
        What the pipeline has them in, whose least number stands for 0 in a product.
    """
    if method == "product":
        tiny = np.finfo(dtype).tiny.astype(np.float64)
        logs = graph.add("Log", graph.add("Max", segments, tiny))
        song = graph.add("Softmax", graph.reduce("ReduceMean", logs, 0, keepdims=1), axis=1)
    else:
        votes = segments
        if method == "vote":
            best = graph.add("ArgMax", segments, axis=1, keepdims=1)
            largest = graph.add("Shape", segments, start=1, end=2)
            places = graph.add("Range", np.int64(0), graph.add("Squeeze", largest), np.int64(1))
            votes = graph.cast(graph.add("Equal", best, places), np.float64)
        song = graph.reduce("ReduceMean", votes, 0, keepdims=1)
    return Answer(segments, song, method)


def as_rows(x, graph):
    """Return segments as rows of a table."""
    if x.is_table:
        return x
    n_segments, n_bands, n_frames = x.shape
    if n_frames is None:
        raise ExportError(
            "the segments have no common length; give the transformer a segment_duration"
        )
    rows = graph.add("Flatten", x.name, axis=1)
    return Value(rows, (n_segments, n_bands * n_frames))


@classify.register
def _(step: SegmentVotingClassifier, x, graph):
    x = as_rows(check_value(step, x), graph)
    proba = classify(step.estimator_, x, graph).song
    dtype = step.estimator_.predict_proba(np.zeros((1, x.shape[1]), np.float32)).dtype
    return aggregate(proba, step.aggregate, graph, dtype)


@decide.register
def _(step: SegmentVotingClassifier, x, graph):
    decisions = decide(step.estimator_, as_rows(check_value(step, x), graph), graph)
    return graph.reduce("ReduceMean", decisions, 0, keepdims=1)


@classify.register
def _(step: GaussianMixtureClassifier, x, graph):
    x = as_rows(check_value(step, x), graph)
    rows = graph.add("Unsqueeze", graph.cast(x.name, np.float64), np.array([1]))
    densities = [_log_density(mixture, rows, graph) for mixture in step.mixtures_]
    with np.errstate(divide="ignore"):
        log_prior = np.log(step.class_prior_)
    joint = graph.add("Add", graph.join(densities, axis=1), log_prior)
    return aggregate(graph.add("Softmax", joint, axis=1), step.aggregate, graph, np.float64)


def _log_density(mixture, rows, graph):
    """Add the logarithm of a mixture's density at rows (n, 1, n_features), as (n, 1)."""
    n_components, n_features = mixture.means_.shape
    factors = mixture.precisions_cholesky_
    apart = graph.add("Sub", rows, mixture.means_)
    if mixture.covariance_type in ("full", "tied"):
        factors = np.broadcast_to(factors, (n_components, n_features, n_features))
        diagonals = np.diagonal(factors, axis1=1, axis2=2)
        apart = graph.add("Unsqueeze", apart, np.array([2]))
        apart = graph.add("Squeeze", graph.add("MatMul", apart, factors), np.array([2]))
    else:
        diagonals = np.broadcast_to(
            factors if factors.ndim == 2 else factors[:, np.newaxis], (n_components, n_features)
        )
        apart = graph.add("Mul", apart, diagonals)
    squares = graph.reduce("ReduceSumSquare", apart, 2)
    constants = (
        np.log(mixture.weights_)
        + np.log(diagonals).sum(axis=1)
        - n_features / 2 * np.log(2 * np.pi)
    )
    logs = graph.add("Add", graph.add("Mul", squares, np.float64(-0.5)), constants)
    return graph.reduce("ReduceLogSumExp", logs, 1, keepdims=1)


@decide.register
def _(step: LinearClassifierMixin, x, graph):
    x = check_value(step, x)
    if not x.is_table:
        return decide.dispatch(object)(step, x, graph)
    weights, bias = (
        np.asarray(values, dtype=np.float64) for values in (step.coef_.T, step.intercept_)
    )
    product = graph.add("MatMul", graph.cast(x.name, np.float64), weights)
    return graph.add("Add", product, bias)


# skl2onnx gives another probability than discriminants of two genres do
@classify.register
def _(step: LinearDiscriminantAnalysis, x, graph):
    decisions = decide(step, x, graph)
    if len(step.classes_) > 2:
        return of_song(graph.add("Softmax", decisions, axis=1))
    sides = [graph.add("Sigmoid", side) for side in (graph.add("Neg", decisions), decisions)]
    return of_song(graph.join(sides, axis=1))


@classify.register
def _(step: KNeighborsClassifier, x, graph):
    x = check_value(step, x)
    is_known = step.effective_metric_ in ("euclidean", "manhattan") and step.weights in (
        "uniform",
        "distance",
    )
    if not is_known or not isinstance(step._fit_X, np.ndarray) or not x.is_table:
        return of_song(classify_table(step, x, graph))
    rows = graph.add("Unsqueeze", graph.cast(x.name, np.float64), np.array([1]))
    apart = graph.add("Sub", rows, step._fit_X.astype(np.float64))
    if step.effective_metric_ == "euclidean":
        distances = graph.add("Sqrt", graph.reduce("ReduceSumSquare", apart, 2))
    else:
        distances = graph.reduce("ReduceL1", apart, 2)
    nearest, places = graph.add(
        "TopK", distances, np.array([step.n_neighbors]), n_outputs=2, largest=0, axis=1
    )
    votes = graph.add("Gather", np.eye(len(step.classes_))[step._y], places, axis=0)
    if step.weights == "distance":
        same = graph.cast(graph.add("Equal", nearest, np.float64(0)), np.float64)
        has_same = graph.cast(graph.reduce("ReduceMax", same, 1, keepdims=1), bool)
        weights = graph.add("Where", has_same, same, graph.add("Reciprocal", nearest))
        votes = graph.add("Mul", votes, graph.add("Unsqueeze", weights, np.array([2])))
    sums = graph.reduce("ReduceSum", votes, 1)
    total = graph.reduce("ReduceSum", sums, 1, keepdims=1)
    return of_song(graph.add("Div", sums, total))


@classify.register
def _(step: LogarithmicPool, x, graph):
    n_classes = len(step.classes_)
    proba = graph.cast(x.name, np.float64)
    logs = []
    for i in range(len(step.weights_)):
        if n_classes == 2:
            second = graph.columns(proba, [i])
            by_model = graph.join([graph.add("Sub", np.float64(1), second), second], axis=1)
        else:
            by_model = graph.columns(proba, range(i * n_classes, (i + 1) * n_classes))
        log = graph.add("Log", graph.add("Add", by_model, np.float64(LEAST_PROBABILITY)))
        logs.append(graph.add("Mul", log, np.float64(step.weights_[i])))
    return of_song(graph.add("Softmax", graph.add("Sum", *logs), axis=1))


@classify.register
def _(step: StackingClassifier, x, graph):
    return of_song(classify(step.final_estimator_, _stack(step, x, graph), graph).song)


@decide.register
def _(step: StackingClassifier, x, graph):
    return decide(step.final_estimator_, _stack(step, x, graph), graph)


def _stack(step, x, graph):
    """Add what the final classifier of a stack gets."""
    is_binary = len(step.classes_) == 2
    is_pooled = isinstance(step, GroupStackingClassifier) and step.final_estimator == "pool"
    answers = []
    for model, method in zip(step.estimators_, step.stack_method_, strict=True):
        if method == "predict":
            raise ExportError(
                f"{name_step(step)} learns from what {name_step(model)} predicts, not from "
                "probabilities; stack_method='predict' cannot be written to a model file"
            )
        if method == "decision_function":
            answer = decide(model, x, graph)
            if is_pooled:
                kind = {"kind": "Sigmoid"} if is_binary else {"kind": "Softmax", "axis": 1}
                answer = graph.add(kind.pop("kind"), answer, **kind)
        else:
            answer = _without_first(classify(model, x, graph).song, step.classes_, graph)
        answers.append(graph.cast(answer, np.float32))
    n_columns = len(answers) * (1 if is_binary else len(step.classes_))
    if step.passthrough:
        x = check_value(step, x)
        if not x.is_table:
            raise ExportError(f"{name_step(step)} passes on segments, passthrough needs a table")
        answers.append(x.name)
        n_columns += x.shape[1]
    return Value(graph.join(answers, axis=1), (1, n_columns))


def _without_first(proba, classes, graph):
    """Return probabilities, of two genres that of the second alone."""
    return graph.columns(proba, [1]) if len(classes) == 2 else proba


@classify.register
def _(step: UnifiedGenreClassifier, x, graph):
    answers = []
    for name, branch in step.branches_.items():
        head, given = step.branch_heads_.get(name), x
        if head is None:
            head = branch
        else:
            given = transform(branch, x, graph)
        proba = classify(head, given, graph).song
        answers.append(graph.cast(_without_first(proba, step.classes_, graph), np.float32))
    n_columns = len(answers) * (1 if len(step.classes_) == 2 else len(step.classes_))
    joined = Value(graph.join(answers, axis=1), (1, n_columns))
    return of_song(classify(step.head_, joined, graph).song)


# the graph gives probabilities; the metadata has the threshold
@classify.register
def _(step: SelectiveClassifier, x, graph):
    proba = _without_first(classify(step.estimator_, x, graph).song, step.classes_, graph)
    n_columns = 1 if len(step.classes_) == 2 else len(step.classes_)
    row = Value(graph.cast(proba, np.float32), (1, n_columns))
    return of_song(classify(step.calibrator_, row, graph).song)


@classify.register
def _(step: VotingClassifier, x, graph):
    weights = step._weights_not_none
    shares = np.array([1.0] * len(step.estimators_) if weights is None else weights)
    answers = [
        graph.add("Mul", classify(model, x, graph).song, np.float64(share))
        for model, share in zip(step.estimators_, shares / shares.sum(), strict=True)
    ]
    return of_song(graph.add("Sum", *answers))


@classify.register
def _(step: CalibratedClassifierCV, x, graph):
    answers = [_calibrate(each, x, graph) for each in step.calibrated_classifiers_]
    total = graph.add("Sum", *answers)
    return of_song(graph.add("Mul", total, np.float64(1 / len(answers))))


def _calibrate(calibrated, x, graph):
    """Add the probabilities of a classifier and its calibrators."""
    model, classes = calibrated.estimator, calibrated.classes
    decides = hasattr(model, "decision_function")
    if calibrated.method == "temperature":
        logits = decide(model, x, graph) if decides else classify(model, x, graph).song
        if not decides:
            logits = graph.add("Log", graph.add("Add", logits, np.float64(_EPSILON)))
        elif len(classes) == 2:
            logits = graph.join([graph.add("Neg", logits), logits], axis=1)
        scaled = graph.add("Mul", logits, np.float64(calibrated.calibrators[0].beta_))
        return graph.add("Softmax", scaled, axis=1)
    if decides:
        scores = decide(model, x, graph)
    else:
        scores = _without_first(classify(model, x, graph).song, classes, graph)
    places = np.searchsorted(classes, model.classes_)
    by_place = {
        place + (len(classes) == 2): _apply(calibrator, graph.columns(scores, [i]), graph)
        for i, (place, calibrator) in enumerate(zip(places, calibrated.calibrators, strict=False))
    }
    if len(classes) == 2:
        return graph.join([graph.add("Sub", np.float64(1), by_place[1]), by_place[1]], axis=1)
    none = graph.add("Mul", next(iter(by_place.values())), np.float64(0))
    proba = graph.join([by_place.get(place, none) for place in range(len(classes))], axis=1)
    total = graph.reduce("ReduceSum", proba, 1, keepdims=1)
    is_none = graph.add("Equal", total, np.float64(0))
    return graph.add("Where", is_none, np.float64(1 / len(classes)), graph.add("Div", proba, total))


def _apply(calibrator, scores, graph):
    """Add what a calibrator makes of the scores of one genre, (n, 1)."""
    if not isinstance(calibrator, IsotonicRegression):
        logits = graph.add("Mul", scores, np.float64(calibrator.a_))
        logits = graph.add("Neg", graph.add("Add", logits, np.float64(calibrator.b_)))
        return graph.add("Sigmoid", logits)
    x, y = (
        np.asarray(thresholds, dtype=np.float64)
        for thresholds in (calibrator.X_thresholds_, calibrator.y_thresholds_)
    )
    if len(x) == 1:
        return graph.add("Add", graph.add("Mul", scores, np.float64(0)), y)
    shares = graph.add("Div", graph.add("Sub", scores, x[:-1]), np.diff(x))
    shares = graph.add("Clip", shares, np.float64(0), np.float64(1))
    rise = graph.add("MatMul", shares, np.diff(y)[:, np.newaxis])
    return graph.add("Add", rise, y[:1])
