"""What operators of "ai.onnx.ml" are refused for: onnxruntime believes most of what they say."""

import numpy as np

from ._format import ModelFileError

# Of the same length, a number for each node of the trees.
_NODES = (
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_featureids",
    "nodes_modes",
    "nodes_truenodeids",
    "nodes_falsenodeids",
)
_MODES = {b"BRANCH_LEQ", b"BRANCH_LT", b"BRANCH_GTE", b"BRANCH_GT", b"BRANCH_EQ", b"LEAF"}
_MAX_CLASSES = 100_000
_TRANSFORMS = {None, b"NONE", b"SOFTMAX", b"LOGISTIC", b"SOFTMAX_ZERO", b"PROBIT"}


def check_ml(node):
    """Refuse an operator whose attributes do not fit together."""
    name = node.op_type.decode()
    values = {attribute.name.decode(): _value_of(attribute) for attribute in node.attribute}
    check = _CHECKS.get(name)
    try:
        if values.get("post_transform") not in _TRANSFORMS:
            raise ValueError("post_transform")
        if check is not None:
            check(values)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ModelFileError(
            f"an operator {name!r} has attributes that do not fit together: {error}"
        ) from error


def _value_of(attribute):
    for field in ("floats", "ints", "strings"):
        if len(getattr(attribute, field)):
            return list(getattr(attribute, field))
    if attribute.HasField("t"):
        return _numbers(attribute.t)
    for field in ("f", "i", "s"):
        if attribute.HasField(field):
            return getattr(attribute, field)
    return []


def _numbers(tensor):
    """Return the numbers of a tensor that is known to be whole, of floats or doubles."""
    if tensor.data_type not in (1, 11):
        raise ValueError("a tensor that is not of floats")
    if tensor.HasField("raw_data"):
        return np.frombuffer(tensor.raw_data, "<f4" if tensor.data_type == 1 else "<f8").tolist()
    return list(tensor.float_data if tensor.data_type == 1 else tensor.double_data)


def _require(condition, what):
    if not condition:
        raise ValueError(what)


def _labels(values):
    labels = values.get("classlabels_strings") or values.get("classlabels_ints") or []
    labels = labels or values.get("classlabels_int64s") or []
    _require(2 <= len(labels) <= _MAX_CLASSES, "the labels of classes")
    return labels


def _either(values, name):
    """Return an attribute that may be of doubles, under a name of its own."""
    found = [values[key] for key in (name, f"{name}_as_tensor") if values.get(key)]
    _require(len(found) < 2, f"{name} twice")
    return found[0] if found else []


def _check_trees(values, prefix, n_outputs):
    nodes = {name: np.array(values[name], dtype=object) for name in _NODES}
    n_nodes = len(nodes["nodes_nodeids"])
    thresholds = _either(values, "nodes_values")
    hitrates = _either(values, "nodes_hitrates")
    missing = values.get("nodes_missing_value_tracks_true") or []
    sizes = {len(column) for column in [*nodes.values(), thresholds]}
    _require(n_nodes and sizes == {n_nodes}, "the nodes of trees")
    _require(len(hitrates) in (0, n_nodes) and len(missing) in (0, n_nodes), "the nodes of trees")
    _require(set(nodes["nodes_modes"]) <= _MODES, "the modes of nodes")
    numbers = {name: column.astype(np.int64) for name, column in nodes.items() if "ids" in name}
    _require(all(((n >= 0) & (n < 2**31)).all() for n in numbers.values()), "numbers of nodes")
    _require((numbers["nodes_featureids"] < 2**24).all(), "numbers of features")
    # as they are written by all that is trusted: tree by tree, and children after their parents
    trees, places = numbers["nodes_treeids"], numbers["nodes_nodeids"]
    is_first = np.r_[True, trees[1:] != trees[:-1]]
    starts = np.flatnonzero(is_first)
    _require((np.diff(trees[starts]) > 0).all(), "the order of trees")
    sizes = np.diff(np.r_[starts, n_nodes])
    _require((places == np.arange(n_nodes) - np.repeat(starts, sizes)).all(), "the order of nodes")
    branches = nodes["nodes_modes"] != b"LEAF"
    for side in ("nodes_truenodeids", "nodes_falsenodeids"):
        children = numbers[side][branches]
        _require((children > places[branches]).all(), "a branch that leads back")
        _require((children < np.repeat(sizes, sizes)[branches]).all(), "a branch to no node")
    _check_leaves(
        values, prefix, n_outputs, dict(zip(trees[starts], starts, strict=True)), branches
    )


def _check_leaves(values, prefix, n_outputs, starts, branches):
    ids, trees, places = (
        np.array(values[f"{prefix}_{name}"], dtype=np.int64)
        for name in ("ids", "treeids", "nodeids")
    )
    weights = _either(values, f"{prefix}_weights")
    _require(len(ids) and len({len(x) for x in (ids, trees, places, weights)}) == 1, "the leaves")
    _require(((ids >= 0) & (ids < n_outputs)).all(), "a leaf of no class")
    leaves = set(np.flatnonzero(~branches).tolist())
    at = [starts[tree] + place for tree, place in zip(trees.tolist(), places.tolist(), strict=True)]
    _require((places >= 0).all() and set(at) <= leaves, "a leaf that is no node")
    _require(leaves <= set(at), "a leaf without a weight")


def _check_tree_classifier(values):
    labels = _labels(values)
    _check_trees(values, "class", len(labels))
    # of two classes, one number may stand for both
    is_binary = len(labels) == 2 and set(values["class_ids"]) == {0}
    _require(len(_either(values, "base_values")) in (0, len(labels), int(is_binary)), "base_values")


def _check_tree_regressor(values):
    n_targets = values.get("n_targets", 1)
    _require(isinstance(n_targets, int) and 1 <= n_targets <= _MAX_CLASSES, "n_targets")
    _check_trees(values, "target", n_targets)
    _require(len(_either(values, "base_values")) in (0, n_targets), "base_values")
    _require(values.get("aggregate_function", b"SUM") in (b"SUM", b"AVERAGE"), "aggregate_function")


def _check_linear_classifier(values):
    n_classes = len(_labels(values))
    n_rows = len(values.get("intercepts") or []) or n_classes
    _require(n_rows in (n_classes, 1) and not (n_rows == 1 and n_classes > 2), "intercepts")
    n_coefficients = len(values["coefficients"])
    _require(n_coefficients and n_coefficients % n_rows == 0, "coefficients")


def _check_linear_regressor(values):
    n_targets = values.get("targets", 1)
    _require(isinstance(n_targets, int) and 1 <= n_targets <= _MAX_CLASSES, "targets")
    _require(len(values.get("intercepts") or []) in (0, n_targets), "intercepts")
    n_coefficients = len(values["coefficients"])
    _require(n_coefficients and n_coefficients % n_targets == 0, "coefficients")


def _check_kernel(values):
    kernels = {b"LINEAR", b"POLY", b"RBF", b"SIGMOID"}
    _require(values.get("kernel_type", b"LINEAR") in kernels, "kernel_type")
    _require(len(values.get("kernel_params") or []) == 3, "kernel_params")


def _check_svm_classifier(values):
    _check_kernel(values)
    n_classes, counts = len(_labels(values)), values["vectors_per_class"]
    _require(len(counts) == n_classes and min(counts) >= 0, "vectors_per_class")
    n_vectors, n_pairs = sum(counts), n_classes * (n_classes - 1) // 2
    _require(n_classes > 1 and 0 < n_vectors < 2**31, "vectors_per_class")
    _require(len(values["support_vectors"]) % n_vectors == 0, "support_vectors")
    _require(len(values["support_vectors"]) > 0, "support_vectors")
    _require(len(values["coefficients"]) == n_vectors * (n_classes - 1), "coefficients")
    _require(len(values["rho"]) == n_pairs, "rho")
    for name in ("prob_a", "prob_b"):
        _require(len(values.get(name) or []) in (0, n_pairs), name)
    _require(len(values.get("prob_a") or []) == len(values.get("prob_b") or []), "prob_b")


def _check_svm_regressor(values):
    _check_kernel(values)
    n_vectors = values.get("n_supports", 0)
    _require(isinstance(n_vectors, int) and 0 < n_vectors < 2**31, "n_supports")
    _require(len(values["coefficients"]) == n_vectors, "coefficients")
    _require(len(values["support_vectors"]) > 0, "support_vectors")
    _require(len(values["support_vectors"]) % n_vectors == 0, "support_vectors")
    _require(len(values["rho"]) == 1, "rho")


def _check_scaler(values):
    _require(len(values["offset"]) and len(values["scale"]), "offset and scale")


_CHECKS = {
    "LinearClassifier": _check_linear_classifier,
    "LinearRegressor": _check_linear_regressor,
    "SVMClassifier": _check_svm_classifier,
    "SVMRegressor": _check_svm_regressor,
    "Scaler": _check_scaler,
    "TreeEnsembleClassifier": _check_tree_classifier,
    "TreeEnsembleRegressor": _check_tree_regressor,
}
