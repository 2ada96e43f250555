"""What model files are refused for, or the answer is right: nothing in between."""

import json

import numpy as np
import pytest

from skgenre import load_model
from skgenre.persistence._format import Features, ModelFileError


def test_every_cut_and_every_changed_byte_is_refused(write, make):
    data = make.serialize(make.model())
    for size in range(0, len(data), 7):
        with pytest.raises(ModelFileError, match=r"model\.onnx: it is not a model file of skgenre"):
            load_model(write(data[:size]))
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(ModelFileError, match="does not match the checksum"):
            load_model(write(bytes(changed)))


@pytest.mark.parametrize("data", [b"", b"RIFF....WAVE", b"\x80\x05K\x01.", b"\0" * 1000, b"{}"])
def test_other_files_are_refused(write, data):
    with pytest.raises(ModelFileError, match="not a model file of skgenre"):
        load_model(write(data))


def test_an_unsealed_net_is_refused(write, make):
    with pytest.raises(ModelFileError, match="not a model file of skgenre"):
        load_model(write(make.model().SerializeToString()))


def refuse(write, model, says):
    with pytest.raises(ModelFileError, match=says):
        load_model(write(model))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.ClearField("metadata_props"), "not a model file of skgenre; export_model"),
        (lambda m: m.metadata_props.add(key="sr", value="1"), "has an entry twice"),
        (lambda m: [m.metadata_props.add(key=str(i)) for i in range(200)], "more than 100 entries"),
        (lambda m: m.opset_import.add(domain="com.microsoft", version=1), "com.microsoft"),
        (lambda m: setattr(m.opset_import[0], "version", 17), "in version 17"),
        (lambda m: m.opset_import.add(domain="", version=18), "does not say, once"),
        (lambda m: setattr(m, "ir_version", 12), "version 12 of ONNX's format"),
        (lambda m: m.functions.add(name="f", domain="x"), "functions of its own"),
        (lambda m: m.graph.sparse_initializer.add(), "sparse constants"),
        (lambda m: setattr(m.graph.node[0], "op_type", "Loop"), "operator 'Loop', which is not"),
        (lambda m: setattr(m.graph.node[0], "op_type", "x\x1b"), r"operator 'x\\+x1b', which is"),
        (lambda m: setattr(m.graph.node[0], "domain", "evil.custom"), "domain, 'evil.custom'"),
        (lambda m: m.graph.node[3].output.pop(), "gives nothing"),
        (lambda m: m.graph.node.reverse(), "which nothing before it gives"),
        (lambda m: m.graph.node[1].output.append("bands"), "or two of one name"),
        (lambda m: m.graph.initializer.extend(m.graph.initializer[2:]), "two of one name"),
        (lambda m: setattr(m.graph.output[0], "name", "other"), "output 'other' is given by"),
        (lambda m: m.graph.output.pop(), "its outputs must be 'segment_probabilities' and"),
        # onnxruntime crashes
        (lambda m: m.graph.node[1].input.append(""), "'MatMul' lacks an input"),
        (lambda m: setattr(m.graph.output[0], "name", "logits"), "its outputs must be"),
        (lambda m: m.graph.initializer[2].dims.append(5), "does not hold what its shape"),
        (lambda m: setattr(m.graph.initializer[2], "raw_data", b""), "does not hold what"),
        (lambda m: setattr(m.graph.initializer[2], "data_type", 14), "of type 14"),
        (lambda m: m.graph.initializer[2].dims.__setitem__(0, -8), "has the shape"),
        (lambda m: m.graph.initializer[2].float_data.append(1), "does not hold what"),
    ],
)
def test_graphs_that_cannot_be_trusted_are_refused(write, make, change, says):
    model = make.model()
    change(model)
    refuse(write, model, says)


def test_weights_in_other_files_are_refused(write, make, tmp_path):
    (tmp_path / "weights.bin").write_bytes(bytes(1000))
    model = make.model()
    tensor = model.graph.initializer[2]
    tensor.ClearField("raw_data")
    tensor.data_location = make.onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    refuse(write, model, r"other files \(weights\.bin\), which are not opened")
    inside = make.model()
    attribute = inside.graph.node[0].attribute.add(name="value", type=4)
    attribute.t.CopyFrom(tensor)
    refuse(write, inside, "other files")


def test_graphs_inside_operators_are_refused(write, make):
    model = make.model()
    attribute = model.graph.node[0].attribute.add(name="body", type=5)
    attribute.g.CopyFrom(make.model().graph)
    refuse(write, model, "has graphs, or constants that are not read, inside it")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(7, ["n", 8, 8]), (11, ["n", 8, 8]), (1, ["n", 8]), (1, ["n", 9, 8]), (1, ["n", 8, 7])],
)
def test_inputs_that_are_not_as_it_says_are_refused(write, make, kind, shape):
    model = make.model(inputs=[make.describe("features", shape, kind)])
    refuse(write, model, "model.onnx: ")


@pytest.mark.parametrize("name", ["waveforms", "features_2", "waveform"])
def test_inputs_of_other_names_are_refused(write, make, name):
    model = make.model(inputs=[make.describe(name, ["n", 8, 8])])
    model.graph.node[0].input[0] = name
    refuse(write, model, "its inputs must be|does not say of what shape")


def test_outputs_of_another_number_of_genres_are_refused(write, make):
    info = make.info._replace(genres=("a", "b", "c", "d"), prior=(0.25,) * 4)
    refuse(write, make.model(info=info), "has 3 probabilities for 4 genres")


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"transformer": "MFCCSegmenter"}, "n_mfcc=13 is more than n_mels=8"),
        ({"params": {"hop_length": 1}}, "hop_length=1 is too short for n_fft=512"),
        ({"params": {"hop_length": 128}}, "are said to have the shape"),
        ({"params": {"model": "/etc/passwd"}}, "does not have: 'model'"),
        ({"params": {"cache": "/tmp"}}, "does not have: 'cache'"),
        ({"params": {"__class__": 1}}, "does not have: '__class__'"),
        ({"params": {"n_mels": 10**9}}, "n_mels=1000000000, more than"),
        ({"params": {"n_mels": -1}}, "cannot be made: The 'n_mels' parameter"),
        ({"params": {"n_mels": "8"}}, "cannot be made: The 'n_mels' parameter"),
        ({"params": {"sr": -4000}}, "cannot be made: The 'sr' parameter"),
        ({"params": {"duration": 36_000.0}}, "duration=36000.0 is too short or too long"),
        ({"params": {"segment_duration": 90_000.0, "duration": None}}, "is too long"),
        ({"params": {"duration": None, "segment_duration": None, "hop_length": 1}}, "too short"),
        ({"params": {"segment_duration": 1000.0, "hop_length": 8}}, "too short for n_fft=512"),
        ({"params": {"window": [[1.0]]}}, "have window"),
        ({"params": {"window": {"a": 1}}}, "have window"),
        ({"params": {"window": [1.0] * 50_000}}, "50000 numbers of window"),
        ({"params": {"n_segments": 3}}, "takes n_segments or segment_duration"),
        ({"params": {"fmin": 5000.0}}, "is not below the highest frequency"),
        ({"params": {"duration": 1e-9}}, "duration=1e-09 is too short"),
    ],
)
def test_features_that_make_no_sense_are_refused(write, make, part, says):
    own = make.info.features[0]
    changed = {**own._asdict(), **part}
    changed["params"] = {**own.params, **part.get("params", {})}
    model = make.model(info=make.info._replace(features=(Features(**changed),)))
    refuse(write, model, says)


def test_metadata_that_makes_no_sense_is_refused(write, make):
    model = make.model()
    for entry in model.metadata_props:
        if entry.key == "genres":
            entry.value = json.dumps([f"\x00{i}" for i in range(3000)])
    refuse(write, model, r"model\.onnx: its metadata 'genres' must be a list of 2 to 1000")


def test_metadata_that_is_no_text_is_refused(write, make):
    data = make.model().SerializeToString()
    refuse(write, make_sealed(data + b"\x72\x07\x0a\x01\xff\x12\x02ab"), "no UTF-8")


def make_sealed(data):
    from skgenre.persistence._format import seal

    return seal(data)


def test_values_that_are_too_large_are_refused_before_there_are_any(write, make):
    h = make.helper
    nodes = make.nodes()
    nodes[2:2] = [
        h.make_node("Tile", ["logits", "times"], ["many"]),
        h.make_node("ReduceMean", ["many", "segments"], ["few"], keepdims=1),
    ]
    nodes[4] = h.make_node("Softmax", ["few"], ["segment_probabilities"], axis=1)
    constants = {"times": np.array([10**8, 1])}
    refuse(write, make.model(nodes, constants=constants), "has the shape .*, above 512 MiB")


def test_sizes_that_are_known_in_a_run_alone_are_limited_too(write, make, songs):
    h = make.helper
    for width, is_small in ((3, True), (10**8, False)):
        nodes = make.nodes()
        nodes[2:2] = [
            h.make_node("Shape", ["bands"], ["sizes"]),
            h.make_node("Slice", ["sizes", "start", "end"], ["n"]),
            h.make_node("Concat", ["n", "width"], ["shape"], axis=0),
            h.make_node("ConstantOfShape", ["shape"], ["zeros"]),
            h.make_node("ReduceMax", ["zeros", "frames_"], ["zero"], keepdims=1),
            h.make_node("Add", ["logits", "zero"], ["sum"]),
        ]
        nodes[8] = h.make_node("Softmax", ["sum"], ["segment_probabilities"], axis=1)
        constants = {
            "start": np.array([0]),
            "end": np.array([1]),
            "width": np.array([width]),
            "frames_": np.array([1]),
        }
        path = write(make.model(nodes, constants=constants))
        if is_small:
            assert load_model(path).predict_proba(songs).shape == (3, 3)
        else:
            with pytest.raises(ModelFileError, match=r"ConstantOfShape gives some|above 256 MiB"):
                load_model(path)


def test_graphs_that_would_run_for_hours_are_refused(write, make):
    h = make.helper
    nodes = make.nodes()
    nodes[:1] = [
        h.make_node("Pad", ["features", "pads"], ["wide"]),
        h.make_node("Unsqueeze", ["wide", "channel"], ["image"]),
        h.make_node("Conv", ["image", "kernel"], ["heard"], auto_pad="SAME_UPPER"),
        h.make_node("Squeeze", ["heard", "channel"], ["plain"]),
        h.make_node("Slice", ["plain", "start", "end", "axes"], ["few"]),
        h.make_node("ReduceMean", ["few", "frames"], ["bands"], keepdims=0),
    ]
    constants = {
        "pads": np.array([0, 0, 0, 0, 1000, 1000]),
        "channel": np.array([1]),
        "kernel": np.ones((1, 1, 1000, 1000), dtype=np.float32),
        "start": np.array([0]),
        "end": np.array([8]),
        "axes": np.array([1]),
    }
    refuse(write, make.model(nodes, constants=constants), r"it needs .*e\+13 products")


def test_whole_numbers_are_not_divided_by_nothing(write, make):
    h = make.helper
    for by in (0, -1):
        nodes = [
            *make.nodes(),
            h.make_node("Shape", ["bands"], ["sizes"]),
            h.make_node("Div", ["sizes", "by"], ["shares"]),
            h.make_node("Cast", ["shares"], ["numbers"], to=1),
            h.make_node("ReduceMax", ["numbers"], ["most"], keepdims=1),
            h.make_node("Add", ["many", "most"], ["probabilities"]),
        ]
        nodes[3] = h.make_node("ReduceMean", ["segment_probabilities", "segments"], ["many"])
        refuse(
            write,
            make.model(nodes, constants={"by": np.array([by])}),
            "divides whole numbers|division by zero",
        )


def test_answers_that_are_no_probabilities_are_errors(write, make, songs):
    h = make.helper
    nodes = make.nodes()
    nodes[2] = h.make_node("Identity", ["logits"], ["segment_probabilities"])
    clf = load_model(write(make.model(nodes)))
    with pytest.raises(ValueError, match=r"song 0: .*model\.onnx: what it gives are no probabil"):
        clf.predict(songs)
    nodes[2] = h.make_node("Log", ["logits"], ["segment_probabilities"])
    with pytest.raises(ValueError, match="are no probabilities"):
        load_model(write(make.model(nodes))).predict_proba(songs)


def test_a_file_from_waveform_is_cut_where_features_end(write, make, songs):
    """What is before is not run: here it would fail."""
    h = make.helper
    nodes = [h.make_node("Reshape", ["waveform", "shape"], ["features"]), *make.nodes()]
    model = make.model(
        nodes,
        inputs=[make.describe("waveform", ["n", 2000])],
        constants={"shape": np.array([-1, 8, 8])},
        value_info=[make.describe("features", ["n", 8, 8])],
    )
    clf = load_model(write(model))
    expected = np.stack([part.mean(axis=0) for part in make.expect(songs)])
    np.testing.assert_allclose(clf.predict_proba(songs), expected, atol=1e-6)
    model.graph.node[1].input[0] = "waveform"
    refuse(write, model, "do not follow from its features alone")
    del model.graph.value_info[:]
    refuse(write, model, "does not say of what shape its 'features' are")


TREE = {
    "nodes_treeids": [0, 0, 0],
    "nodes_nodeids": [0, 1, 2],
    "nodes_featureids": [0, 0, 0],
    "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
    "nodes_values": [0.0, 0.0, 0.0],
    "nodes_truenodeids": [1, 0, 0],
    "nodes_falsenodeids": [2, 0, 0],
    "class_treeids": [0, 0, 0, 0, 0, 0],
    "class_nodeids": [1, 1, 1, 2, 2, 2],
    "class_ids": [0, 1, 2, 0, 1, 2],
    "class_weights": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    "classlabels_int64s": [0, 1, 2],
}
SVM = {
    "kernel_type": "RBF",
    "kernel_params": [0.1, 0.0, 3.0],
    "vectors_per_class": [1, 1, 1],
    "support_vectors": [0.5] * 24,
    "coefficients": [1.0] * 6,
    "rho": [0.0] * 3,
    "prob_a": [1.0] * 3,
    "prob_b": [0.0] * 3,
    "classlabels_ints": [0, 1, 2],
}
LINEAR = {"coefficients": [0.1] * 24, "intercepts": [0.0] * 3, "classlabels_ints": [0, 1, 2]}


@pytest.mark.parametrize(
    ("kind", "attributes", "change"),
    [
        ("TreeEnsembleClassifier", TREE, {}),
        ("TreeEnsembleClassifier", TREE, {"nodes_truenodeids": [0, 0, 0]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_falsenodeids": [9, 0, 0]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_falsenodeids": [-1, 0, 0]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_values": [0.0]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_treeids": [0, 1, 0]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_modes": ["BRANCH_LEQ", "LEAF", "what"]}),
        ("TreeEnsembleClassifier", TREE, {"nodes_modes": ["LEAF", "LEAF", "LEAF"]}),
        ("TreeEnsembleClassifier", TREE, {"class_ids": [0, 1, 2, 0, 1, 2**40]}),
        ("TreeEnsembleClassifier", TREE, {"class_nodeids": [0, 1, 1, 2, 2, 2]}),
        ("TreeEnsembleClassifier", TREE, {"class_treeids": [0, 0, 0, 0, 0, 7]}),
        ("TreeEnsembleClassifier", TREE, {"class_weights": [1.0]}),
        ("TreeEnsembleClassifier", TREE, {"classlabels_int64s": [0]}),
        ("TreeEnsembleClassifier", TREE, {"base_values": [0.5]}),
        ("TreeEnsembleClassifier", TREE, {"base_values": [0.5, 0.5]}),
        ("SVMClassifier", SVM, {}),
        ("SVMClassifier", SVM, {"vectors_per_class": [1, 1, 9]}),
        ("SVMClassifier", SVM, {"vectors_per_class": [-1, 2, 2]}),
        ("SVMClassifier", SVM, {"coefficients": [1.0]}),
        ("SVMClassifier", SVM, {"rho": [0.0]}),
        ("SVMClassifier", SVM, {"prob_b": [0.0]}),
        ("SVMClassifier", SVM, {"support_vectors": [0.5] * 23}),
        ("SVMClassifier", SVM, {"kernel_params": [0.1]}),
        ("LinearClassifier", LINEAR, {}),
        ("LinearClassifier", LINEAR, {"coefficients": [0.1] * 23}),
        ("LinearClassifier", LINEAR, {"intercepts": [0.0] * 2}),
        ("LinearClassifier", LINEAR, {"post_transform": "what"}),
    ],
)
def test_what_does_not_fit_together_in_an_operator_is_refused(
    write, make, songs, kind, attributes, change
):
    nodes = make.nodes()
    nodes[1] = make.helper.make_node(
        kind, ["bands"], ["label", "logits"], domain="ai.onnx.ml", **{**attributes, **change}
    )
    path = write(make.model(nodes))
    if change:
        with pytest.raises(ModelFileError, match=f"'{kind}' has attributes that do not fit"):
            load_model(path)
    else:
        assert load_model(path).predict_proba(songs).shape == (3, 3)
