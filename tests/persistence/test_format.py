import json

import pytest

from skgenre.persistence._format import (
    Abstention,
    Features,
    ModelFileError,
    ModelInfo,
    Segments,
    feature_name,
    is_sealed,
    seal,
)

INFO = ModelInfo(
    genres=("blues", "rock"),
    prior=(0.25, 0.75),
    sr=22050.0,
    features=(Features("features", "MFCCSegmenter", {"n_mfcc": 13}, (None, 13, 130)),),
    segments=Segments(30.0, 3.0, None, 66150),
    aggregate="mean",
    made_by={
        "recipe": "cnn-mfcc-10",
        "estimator": "MFCCSegmenter, SpectrogramScaler, KerasCNNClassifier",
        "parameters": {"cnn": {"epochs": 3}},
        "versions": {"skgenre": "0.1.0"},
        "date": "2026-11-29",
    },
    learned_from={"n_songs": 40, "n_artists": None},
    scores=({"protocol": "by artist", "accuracy": 0.6, "low": 0.5, "high": 0.7},),
)


def props_with(key, change):
    """Return the metadata with one entry changed."""
    props = INFO.to_props()
    props[key] = json.dumps(change(json.loads(props[key])))
    return props


def test_what_a_file_says_comes_back():
    assert ModelInfo.from_props(INFO.to_props()) == INFO


@pytest.mark.parametrize("threshold", [0, 0.7, None])
def test_when_it_abstains_comes_back(threshold):
    info = INFO._replace(abstains=Abstention("unknown", threshold))
    assert ModelInfo.from_props(info.to_props()) == info


@pytest.mark.parametrize(
    ("answer", "threshold", "says"),
    [
        ("rock", 0.5, "answer' must be no genre"),
        (-1, 0.5, "answer' must be a text"),
        ("un\x1bknown", 0.5, "control characters"),
        ("unknown", 1.1, "threshold' must be a number from 0 to 1"),
        ("unknown", "high", "threshold' must be a number"),
    ],
)
def test_nonsense_about_abstaining_is_refused(answer, threshold, says):
    with pytest.raises(ModelFileError, match=says):
        INFO._replace(abstains=Abstention(answer, threshold)).to_props()


def test_genres_may_be_numbers_and_of_any_language():
    for genres in [(0, 1), ("موسیقی", "フォーク"), ("Rock /Pop", " jazz")]:
        info = INFO._replace(genres=genres)
        assert ModelInfo.from_props(info.to_props()).genres == genres


@pytest.mark.parametrize(
    ("key", "change", "says"),
    [
        ("genres", lambda genres: genres[:1], "'genres' must be a list of 2 to 1000"),
        ("genres", lambda genres: [str(i) for i in range(5000)], "list of 2 to 1000"),
        ("genres", lambda genres: ["a", "a"], "without doubles"),
        ("genres", lambda genres: ["a", 1], "'genres' must be a text"),
        ("genres", lambda genres: [1, "a"], "all of one kind"),
        ("genres", lambda genres: [True, False], "all of one kind"),
        ("genres", lambda genres: ["a", "b\x1b[2J"], "control characters"),
        ("genres", lambda genres: ["a", "b\u202e"], "control characters"),
        ("genres", lambda genres: ["a", "b" * 300], "1 to 200 characters"),
        ("genres", lambda genres: ["a", "  "], "1 to 200 characters"),
        ("prior", lambda prior: [0.5, 0.6], "sum to 1"),
        ("prior", lambda prior: [1.5, -0.5], "a number from 0 to 1"),
        ("prior", lambda prior: [1.0], "a list of 2 to 2"),
        ("prior", lambda prior: ["0.5", 0.5], "a number from 0 to 1"),
        ("sr", lambda sr: -22050, "a number from 100"),
        ("sr", lambda sr: 0, "a number from 100"),
        ("sr", lambda sr: True, "a number from 100"),
        ("sr", lambda sr: 1e300, "a number from 100"),
        ("features", lambda parts: parts * 20, "a list of 0 to 16"),
        ("features", lambda parts: [{**parts[0], "name": "waveform"}], "must be 'features'"),
        ("features", lambda parts: [{**parts[0], "transformer": "OnnxEmbedder"}], "must be one of"),
        ("features", lambda parts: [{**parts[0], "transformer": []}], "must be one of"),
        ("features", lambda parts: [{**parts[0], "params": [1]}], "must be an object"),
        ("features", lambda parts: [{**parts[0], "shape": [0, 13]}], "an integer from 1"),
        ("features", lambda parts: [{**parts[0], "shape": [2.5, 13]}], "an integer from 1"),
        ("features", lambda parts: [{**parts[0], "more": 1}], "an object with name"),
        ("segments", lambda parts: {**parts, "duration": 1e9}, "a number from 0.001"),
        ("segments", lambda parts: {**parts, "n_segments": 10**9}, "an integer from 1"),
        ("segments", lambda parts: None, "an object with duration"),
        ("aggregate", lambda name: "sum", "must be one of mean"),
        ("aggregate", lambda name: ["mean"], "must be one of mean"),
        ("made_by", lambda made: {**made, "recipe": 3}, "made_by.recipe"),
        ("made_by", lambda made: {**made, "estimator": "x" * 10**5}, "made_by.estimator"),
        ("made_by", lambda made: {**made, "versions": {"a": 1}}, "made_by.versions"),
        ("made_by", lambda made: {**made, "parameters": None}, "made_by.parameters"),
        ("learned_from", lambda n: {**n, "n_songs": -1}, "learned_from.n_songs"),
        ("scores", lambda rows: [{"accuracy": [1]}], r"scores\[0\].accuracy"),
        ("scores", lambda rows: [1], "must be an object"),
    ],
)
def test_nonsense_is_refused(key, change, says):
    with pytest.raises(ModelFileError, match=says):
        ModelInfo.from_props(props_with(key, change))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NaN", "NaN is no number"),
        ("1e999", "1e999 is no number"),
        ("9" * 30, "is no number that is allowed"),
        ("9" * 5000, "'sr' cannot be read"),
        ("[" * 100_000, "'sr' cannot be read"),
        ("", "'sr' cannot be read"),
        ("22050, 1", "'sr' cannot be read"),
        ("9" * 2**21, "longer than"),
    ],
)
def test_what_is_no_json_is_refused(text, says):
    with pytest.raises(ModelFileError, match=says):
        ModelInfo.from_props({**INFO.to_props(), "sr": text})


def test_other_formats_are_refused():
    props = INFO.to_props()
    with pytest.raises(ModelFileError, match=r"format 2\\x1b.*install a newer skgenre"):
        ModelInfo.from_props({**props, "skgenre_format": "2\x1b"})
    del props["skgenre_format"]
    with pytest.raises(ModelFileError, match="not a model file of skgenre"):
        ModelInfo.from_props(props)


def test_what_cannot_be_written_is_refused_when_it_is_made():
    with pytest.raises(ModelFileError, match="cannot be written as JSON"):
        INFO._replace(sr=float("nan")).to_props()
    with pytest.raises(ModelFileError, match="sum to 1"):
        INFO._replace(prior=(0.1, 0.1)).to_props()


def test_features_are_numbered_from_the_second():
    assert [feature_name(i) for i in range(3)] == ["features", "features_2", "features_3"]


def test_a_seal_holds_for_the_whole_file_alone():
    data = seal(bytes(range(256)) * 3)
    assert is_sealed(data)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        assert not is_sealed(bytes(changed))
    for size in range(len(data)):
        assert not is_sealed(data[:size])
    assert not is_sealed(data + b"\0")


def test_a_sealed_file_is_onnx_and_survives_the_package_onnx():
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node("Identity", ["a"], ["b"])
    values = [onnx.helper.make_tensor_value_info(name, 1, [1, 2]) for name in "ab"]
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", values[:1], values[1:]))
    onnx.helper.set_model_props(model, INFO.to_props())
    data = seal(model.SerializeToString())
    again = onnx.load_from_string(data)
    assert [entry.key for entry in again.metadata_props][-1] == "content_sha256"
    assert again.SerializeToString() == data
