"""What export_model writes into a file, and what it refuses to write."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skgenre import (
    AudioDescriptorTransformer,
    GroupStackingClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    export_model,
    load_model,
    make_genre_classifier,
    model_card,
)
from skgenre.persistence._format import ModelInfo, is_sealed

onnx = pytest.importorskip("onnx")
pytest.importorskip("skl2onnx")


@pytest.fixture(scope="module")
def clf(clips, tmp_path_factory):
    """A pipeline on MFCCs that keeps them in a folder."""
    X, y = clips
    cache = tmp_path_factory.mktemp("John Lee Hooker")
    bayes = SegmentVotingClassifier(GaussianNB())
    return make_pipeline(
        MFCCSegmenter(duration=1.5, n_segments=3, cache=cache), SpectrogramScaler(), bayes
    ).fit(X, y)


def read(path):
    model = onnx.load(path)
    props = {entry.key: entry.value for entry in model.metadata_props}
    props.pop("content_sha256")
    return model, ModelInfo.from_props(props)


def test_an_address_is_refused(clf):
    with pytest.raises(ValueError, match="path='s3://bucket/model' is an address"):
        export_model(clf, "s3://bucket/model")


def test_metadata(clf, tmp_path):
    path = tmp_path / "model.onnx"
    export_model(clf, path)
    model, info = read(path)
    assert is_sealed(path.read_bytes())
    assert info.genres == tuple(clf.classes_)
    np.testing.assert_allclose(info.prior, clf[-1].class_prior_)
    assert info.sr == 22050
    assert info.aggregate == "mean"
    assert info.segments == (1.5, None, 3, 11025)
    (features,) = info.features
    assert features.shape == (None, 13, 22)
    assert features.params["duration"] == 1.5
    assert not {"cache", "n_jobs", "on_error", "timeout", "verbose"} & features.params.keys()
    assert info.made_by["estimator"] == (
        "MFCCSegmenter > SpectrogramScaler > SegmentVotingClassifier(GaussianNB)"
    )
    assert info.made_by["parameters"]["mfccsegmenter__n_mfcc"] == 13
    assert not any(name.endswith("cache") for name in info.made_by["parameters"])
    assert b"Hooker" not in path.read_bytes()
    assert not model.functions
    assert {opset.domain: opset.version for opset in model.opset_import} == {
        "": 18,
        "ai.onnx.ml": 3,
    }


def test_features_alone(clf, tmp_path):
    export_model(clf, tmp_path / "whole.onnx")
    export_model(clf, tmp_path / "features.onnx", include_features=False)
    whole, _ = read(tmp_path / "whole.onnx")
    features, info = read(tmp_path / "features.onnx")
    assert [value.name for value in whole.graph.input] == ["waveform"]
    assert [value.name for value in whole.graph.value_info] == ["features"]
    assert [value.name for value in features.graph.input] == ["features"]
    assert info.segments.n_samples is None
    assert len(features.graph.node) < len(whole.graph.node)


def test_the_same_bytes_again(clf, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    for name in ("one.onnx", "two.onnx"):
        export_model(clf, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()
    assert read(tmp_path / "one.onnx")[1].made_by["date"] == "1970-01-01"


def test_equal_features_are_computed_once(clips, tmp_path):
    X, y = clips
    mel = MelSpectrogramTransformer(duration=1.5)
    means = make_pipeline(mel, SegmentSummarizer(statistics=("mean",)))
    peaks = make_pipeline(mel, SegmentSummarizer(statistics=("max",)))
    descriptors = AudioDescriptorTransformer(features=("rms",), duration=1.5)
    union = FeatureUnion([("means", means), ("peaks", peaks), ("rms", descriptors)])
    clf = make_pipeline(union, StandardScaler(), GaussianNB()).fit(X, y)
    export_model(clf, tmp_path / "model.onnx")
    model, info = read(tmp_path / "model.onnx")
    # no graph holds descriptors, so that all come as features
    assert [value.name for value in model.graph.input] == ["features", "features_2"]
    assert [part.transformer for part in info.features] == [
        "MelSpectrogramTransformer",
        "AudioDescriptorTransformer",
    ]
    assert info.features[1].shape == (1, 2)


ROW = {
    "protocol": "artist",
    "estimator": "mine",
    "accuracy": np.float64(0.7),
    "low": 0.65,
    "high": 0.75,
    "log_loss": np.nan,
    "n_songs": np.int64(323),
    "n_groups": 200,
}


@pytest.mark.parametrize("card", [ROW, pd.Series(ROW), pd.DataFrame([ROW])])
def test_card(card, clf, tmp_path):
    export_model(clf, tmp_path / "model.onnx", card=card)
    (scores,) = read(tmp_path / "model.onnx")[1].scores
    expected = {name: value for name, value in ROW.items() if name != "estimator"}
    assert scores == {**expected, "log_loss": None}


def test_card_says_what_it_learned_from(clf, tmp_path):
    card = {**ROW, "learned_from": {"n_songs": 371, "n_artists": 150}}
    export_model(clf, tmp_path / "model.onnx", card=card)
    assert read(tmp_path / "model.onnx")[1].learned_from == {"n_songs": 371, "n_artists": 150}


@pytest.mark.parametrize(
    "card", [7, {"low": 0.5}, {**ROW, "accuracy": "good"}, {**ROW, "learned_from": {"titles": 3}}]
)
def test_odd_cards_are_refused(card, clf, tmp_path):
    with pytest.raises(ValueError, match="card"):
        export_model(clf, tmp_path / "model.onnx", card=card)
    assert not list(tmp_path.iterdir())


def test_a_recipe_is_known(clips, tmp_path):
    X, y = clips
    for name in ("gmm", "knn", "linear"):
        clf = make_genre_classifier(name, duration=1.5, random_state=3).fit(X, y)
        export_model(clf, tmp_path / "model.onnx")
        assert read(tmp_path / "model.onnx")[1].made_by["recipe"] == name
    clf.set_params(linear__C=5).fit(X, y)
    export_model(clf, tmp_path / "model.onnx")
    info = read(tmp_path / "model.onnx")[1]
    assert info.made_by["recipe"] is None
    assert info.made_by["parameters"]["linear__C"] == 5
    json.dumps(info.made_by)


def test_an_old_file_stays_when_export_fails(clf, clips, tmp_path):
    X, y = clips
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    double = FunctionTransformer(np.square)
    descriptors = AudioDescriptorTransformer(features=("rms",), duration=1.5)
    odd = make_pipeline(descriptors, double, GaussianNB()).fit(X, y)
    with pytest.raises(ValueError, match="FunctionTransformer"):
        export_model(odd, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.onnx"]


@pytest.mark.parametrize(
    "cut", [{"n_segments": 3}, {"n_segments": None, "segment_duration": 0.5}], ids=str
)
def test_unreadable_songs_get_the_same_answer(cut, clips, tmp_path):
    X, y = clips
    votes = [("votes", SegmentVotingClassifier(GaussianNB()))]
    for last in (votes[0][1], GroupStackingClassifier(votes, final_estimator="pool", cv=2)):
        read_on = MFCCSegmenter(duration=1.5, on_error="nan", **cut)
        clf = make_pipeline(read_on, last).fit(list(X[3:]), y[3:])
        export_model(clf, tmp_path / "model.onnx")
        loaded = load_model(tmp_path / "model.onnx").set_params(on_error="nan")
        songs = [tmp_path / "missing.mp3", X[0]]
        with pytest.warns(UserWarning, match="missing"):
            expected = clf.predict_proba(songs)
        with pytest.warns(UserWarning, match="missing"):
            np.testing.assert_allclose(loaded.predict_proba(songs), expected, atol=1e-4)


@pytest.mark.parametrize("is_last", [False, True])
def test_what_is_loaded_abstains_too(clips, tmp_path, is_last):
    X, y = clips
    descriptors = AudioDescriptorTransformer(features=("mfcc",), duration=1.5)
    if is_last:
        selective = SelectiveClassifier(GaussianNB(), target_precision=0.3)
        clf = make_pipeline(descriptors, selective).fit(X, y)
    else:
        selective = clf = SelectiveClassifier(
            make_pipeline(descriptors, GaussianNB()), target_precision=0.3
        ).fit(X, y)
    sure = np.sort(clf.predict_proba(X).max(axis=1))
    widest = np.diff(sure).argmax()
    selective.threshold_ = float(sure[widest : widest + 2].mean())  # of these songs some are surer
    export_model(clf, tmp_path / "model.onnx")
    loaded = load_model(tmp_path / "model.onnx")
    answers = loaded.predict(X)
    np.testing.assert_array_equal(answers, clf.predict(X))
    assert 0 < np.mean(answers == "unknown") < 1
    assert "Answers unknown if no genre reaches" in model_card(loaded)


def test_numbers_of_genres_abstain_too(clips, tmp_path):
    X, y = clips[0], np.unique(clips[1], return_inverse=True)[1]
    descriptors = AudioDescriptorTransformer(features=("mfcc",), duration=1.5)
    selective = SelectiveClassifier(GaussianNB(), target_precision=0.999, unknown=-1)
    clf = make_pipeline(descriptors, selective)
    with pytest.warns(UserWarning, match="cannot be promised"):
        clf.fit(X, y)
    export_model(clf, tmp_path / "model.onnx")
    np.testing.assert_array_equal(load_model(tmp_path / "model.onnx").predict(X), [-1] * len(X))


def test_nodes_have_names_of_their_own(clf, tmp_path):
    export_model(clf, tmp_path / "model.onnx")
    names = [node.name for node in onnx.load(tmp_path / "model.onnx").graph.node]
    assert all(names)
    assert len(set(names)) == len(names)


def test_what_is_no_fitted_pipeline_is_refused(clf, clips, tmp_path):
    X, y = clips
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="must be a classifier"):
        export_model("cnn", path)
    with pytest.raises(ValueError, match="must be a classifier"):
        export_model(StandardScaler().fit([[1], [2]]), path)
    export_model(clf, path)
    with pytest.raises(ValueError, match="copy that file"):
        export_model(load_model(path), path)
    path.unlink()
    with pytest.raises(NotFittedError):
        export_model(GaussianNB(), path)
    with pytest.raises(ValueError, match="GaussianNB gets songs, not features"):
        export_model(GaussianNB().fit(X[:, :50], y), path)
    with pytest.raises(ValueError, match="all strings or all integers"):
        export_model(GaussianNB().fit(X[:, :50], np.arange(24) % 2 == 0), path)
    frame = pd.DataFrame({"path": [*X], "artist": y})
    columns = ColumnTransformer(
        [("audio", AudioDescriptorTransformer(features=("rms",), duration=1.5), "path")]
    )
    by_columns = make_pipeline(columns, LogisticRegression(C=1e-3)).fit(frame, y)
    with pytest.raises(ValueError, match="'metadata'"):
        export_model(by_columns, path)
    with pytest.raises(OSError, match="missing"):
        export_model(clf, tmp_path / "missing" / "model.onnx")
    assert not list(tmp_path.iterdir())
