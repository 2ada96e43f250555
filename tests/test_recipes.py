"""The named pipelines, from audio to genres."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_score,
)

from skgenre import (
    Wav2VecEmbedder,
    export_model,
    extract_corpus,
    load_model,
    make_genre_classifier,
    model_card,
)
from skgenre.recipes import RECIPES

SHORT = {"duration": 1.5, "random_state": 0}
ONE_EPOCH = {"ann": {"ann__epochs": 1}, "cnn": {"cnn__epochs": 1}, "rnn": {"rnn__epochs": 1}}
NETS = {
    "ann-mel": {**ONE_EPOCH["ann"], "ann__hidden_layer_sizes": (4,)},
    "ann-mfcc": ONE_EPOCH["ann"],
    "ann-mfcc-10": ONE_EPOCH["ann"],
    "cnn-mel": ONE_EPOCH["cnn"],
    "cnn-mfcc": ONE_EPOCH["cnn"],
    "cnn-mfcc-10": ONE_EPOCH["cnn"],
    "blstm-attention": ONE_EPOCH["rnn"],
    "lstm": ONE_EPOCH["rnn"],
    "indrnn": ONE_EPOCH["rnn"],
    "cnn-residual": ONE_EPOCH["cnn"],
    "cnn-2d": ONE_EPOCH["cnn"],
    "cnn-musicnn": ONE_EPOCH["cnn"],
    "large": ONE_EPOCH["ann"],
}
OTHERS = {
    "gmm": {},
    "knn": {},
    "svm": {"n_segments": 2},
    "rbm": {"n_segments": 2, "rbm__estimator__bernoullirbm-1__n_iter": 2},
    "linear": {},
    "lda": {},
    "stack": {"stack__trees__n_estimators": 10},
    "musicnn": {},
    "musicnn-both": {},
}


QUICK_NETS = ("ann-mel", "cnn-mfcc-10", "lstm", "large")
# Tried below, for they take something else than audio or a tiny checkpoint.
TRIED_APART = {"wav2vec", "wav2vec-embed", "unified", "unified-featurewiz", "metadata", "best"}


def test_every_recipe_is_tried_and_described():
    assert set(RECIPES) == {*NETS, *OTHERS, *TRIED_APART}
    for name in RECIPES:
        assert name in make_genre_classifier.__doc__


@pytest.mark.parametrize(
    ("name", "params"),
    [
        *OTHERS.items(),
        *[
            pytest.param(*net, marks=[] if net[0] in QUICK_NETS else [pytest.mark.slow])
            for net in NETS.items()
        ],
    ],
    ids=str,
)
def test_from_files_to_genres(song_files, name, params):
    paths, y, _ = song_files
    clf = make_genre_classifier(name, **SHORT, **params)
    assert not hasattr(clf[-1], "classes_")
    predicted = clf.fit(paths, y).predict(paths)
    assert set(predicted) <= set(y)
    assert list(clf.classes_) == sorted(set(y))
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(paths), predicted)
    assert_allclose(clf.predict_proba(paths[:4]).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "checkpoint", "params"),
    [
        ("wav2vec", "wav2vec__checkpoint", {"wav2vec__epochs": 1}),
        ("wav2vec-embed", "embed__checkpoint", {}),
    ],
)
def test_with_a_pretrained_model(song_files, checkpoints, name, checkpoint, params):
    paths, y, _ = song_files
    params = {**params, checkpoint: checkpoints / "layer-norm", "n_segments": 2}
    clf = make_genre_classifier(name, **SHORT, **params)
    proba = clf.fit(paths, y).predict_proba(paths[:4])
    assert_allclose(proba.sum(axis=1), 1, rtol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(paths[:4]), proba)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("unified", {"cnn__cnn__epochs": 1}),
        pytest.param(
            "unified-featurewiz",
            {"cnn": "drop", "selector__skip_xgboost": True},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_unified_model(song_files, name, params):
    paths, y, artists = song_files
    params = {"cv": 2, **params}
    clf = make_genre_classifier(name, **SHORT, **{f"unified__{key}": params[key] for key in params})
    clf.fit(paths, y, unified__groups=artists)
    assert list(clf[-1].branches_)[-2:] == ["descriptors", "musicnn"]
    assert clf.score(paths, y) > 0.5
    proba = clf.predict_proba(paths[:4])
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(paths[:4]), proba)


def test_the_unified_model_takes_a_checkpoint_and_goes_without_branches(song_files, checkpoints):
    paths, y, _ = song_files
    embedder = Wav2VecEmbedder(checkpoint=checkpoints / "layer-norm", duration=1.5)
    without = {f"unified__{branch}": "drop" for branch in ("cnn", "musicnn")}
    clf = make_genre_classifier("unified", **SHORT, unified__wav2vec=embedder, **without)
    assert list(clf.fit(paths, y)[-1].branches_) == ["descriptors", "wav2vec"]


def test_every_recipe_gives_probabilities():
    for name in RECIPES:
        assert hasattr(make_genre_classifier(name), "predict_proba"), name


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("knn", {}),
        ("svm", {"n_segments": 1}),
        ("lda", {}),
        ("stack", {}),
        ("musicnn", {}),
        ("best", {}),
    ],
)
def test_learns_what_can_be_learnt(song_files, name, params):
    paths, y, artists = song_files
    trained = np.array([artist.endswith(("0", "1")) for artist in artists])
    clf = make_genre_classifier(name, **SHORT, **params).fit(paths[trained], y[trained])
    assert clf.score(paths[~trained], y[~trained]) > 0.3


def test_large_learns_from_a_store_what_it_learns_from_the_songs(song_files, tmp_path):
    paths, y, artists = song_files
    clf = make_genre_classifier("large", **SHORT, sr=16000)
    corpus = extract_corpus(clf["embed"], [*paths, "gone.wav"], tmp_path / "embed.zarr", chunk=8)
    clf[1:].fit(corpus.features, [*y, y[0]], ann__groups=[*artists, artists[0]])
    predicted = clf.predict_proba(paths)
    assert clf.score(paths, y) > 0.9
    expected = make_genre_classifier("large", **SHORT, sr=16000).fit(paths, y)
    assert_allclose(expected.predict_proba(paths), predicted, atol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict_proba(paths), predicted)
    export_model(clf, tmp_path / "large.onnx")
    loaded = load_model(tmp_path / "large.onnx")
    assert_allclose(loaded.predict_proba(paths), predicted, atol=1e-4)
    assert "large" in model_card(tmp_path / "large.onnx")


def test_the_best_is_one_of_the_named():
    assert repr(make_genre_classifier("best")) == repr(make_genre_classifier("musicnn-both"))


def test_what_the_report_built():
    layers = {}
    for name in ("ann-mel", "ann-mfcc", "ann-mfcc-10"):
        ann = make_genre_classifier(name)[-1]
        layers[name] = ann.hidden_layer_sizes
        assert ann.learning_rate == 1e-4
    assert set(layers.values()) == {(512, 256, 64)}
    assert make_genre_classifier("cnn-mel")[-1].architecture == "mel"
    assert make_genre_classifier("cnn-mfcc-10")[-1].architecture == "mfcc"


@pytest.mark.parametrize("name", ["cnn-mfcc-10", "svm", "rbm", "lstm"])
def test_a_short_clip_is_one_segment_and_not_ten_copies(name):
    rng = np.random.RandomState(0)
    clips = [rng.normal(size=22050 * seconds).astype(np.float32) for seconds in (2, 30, 40, 15)]
    bags = make_genre_classifier(name)[0].transform(clips)
    assert [len(bag) for bag in bags] == [1, 10, 10, 5]
    five = make_genre_classifier(name, n_segments=5)[0].transform(clips)
    assert [len(bag) for bag in five] == [1, 5, 5, 3]


def test_musicnn_hears_waveforms_as_their_files(songs, song_files):
    mel = make_genre_classifier("cnn-musicnn", duration=1.5, n_segments=1)[0]
    waveforms, files = (mel.transform(given[0][:3]) for given in (songs, song_files))
    assert waveforms.shape == (3, 96, 94)
    assert np.abs(waveforms - files).mean() < 0.1


def test_artists_are_kept_apart_in_the_stack(song_files):
    paths, y, artists = song_files
    small = {"stack__trees__n_estimators": 10, "stack__cv": 3}
    apart = make_genre_classifier("stack", **SHORT, **small).fit(paths, y, stack__groups=artists)
    mixed = make_genre_classifier("stack", **SHORT, **small).fit(paths, y)
    assert not np.allclose(apart.predict_proba(paths), mixed.predict_proba(paths))


@pytest.mark.parametrize("name", ["lda", "best"])
def test_how_sure_they_are_is_learned_from_other_artists_and_changes_no_answer(song_files, name):
    paths, y, artists = song_files
    clf = make_genre_classifier(name, **SHORT)
    clf.fit(paths, y, **{f"{clf.steps[-1][0]}__groups": artists})
    X = clf[:-1].transform(paths)
    as_it_is = clf[-1].estimators_[0]
    assert_array_equal(clf[-1].predict(X), as_it_is.predict(X))
    sure = as_it_is.predict_proba(X).max(axis=1)
    assert np.abs(clf[-1].predict_proba(X).max(axis=1) - sure).max() > 0.01
    mixed = clone(clf).fit(paths, y)
    assert not np.allclose(mixed[-1].predict_proba(X), clf[-1].predict_proba(X))


def make_frame(songs):
    """Return what "metadata" takes, with a title that is missing and one of the genre's own."""
    paths, y, artists = songs
    titles = [f"The {genre} of {i}" for i, genre in enumerate(y)]
    return pd.DataFrame({"path": paths, "title": [None, *titles[1:]], "artist": artists})


def test_metadata_takes_frames_with_gaps_and_strangers(song_files):
    frame, y = make_frame(song_files), song_files[1]
    frame.loc[1, "artist"] = None
    clf = make_genre_classifier("metadata", **SHORT).fit(frame, y)
    strangers = frame.assign(artist="a stranger", title=None)
    assert_allclose(clf.predict_proba(strangers).sum(axis=1), 1)
    assert_array_equal(pickle.loads(pickle.dumps(clf)).predict(frame), clf.predict(frame))
    audio_only = make_genre_classifier(
        "metadata", **SHORT, columns__title="drop", columns__artist="drop"
    )
    assert audio_only.fit(frame, y).score(strangers, y) > 0.9


def test_the_artist_gives_the_genre_away_where_artists_are_on_both_sides(song_files):
    frame, y, artists = make_frame(song_files), *song_files[1:]
    names_only = make_genre_classifier(
        "metadata", **SHORT, columns__audio="drop", columns__title="drop"
    )
    mixed = cross_val_score(names_only, frame, y, cv=StratifiedKFold(2))
    apart = cross_val_score(names_only, frame, y, groups=artists, cv=StratifiedGroupKFold(3))
    assert mixed.mean() == 1.0
    assert apart.mean() <= 0.25


@pytest.mark.slow
def test_random_state_makes_refits_identical(song_files):
    paths, y, _ = song_files
    clf = make_genre_classifier("cnn-residual", **SHORT, cnn__epochs=1)
    first = clf.fit(paths, y).predict_proba(paths)
    assert_array_equal(clone(clf).fit(paths, y).predict_proba(paths), first)


def test_features_are_kept(song_files, tmp_path):
    def list_entries():
        return {
            path: path.stat().st_mtime_ns for path in tmp_path.rglob("output*") if path.is_file()
        }

    paths, y, _ = song_files
    clf = make_genre_classifier("lda", **SHORT, cache=tmp_path, n_jobs=2)
    first = clf.fit(paths, y).predict_proba(paths)
    entries = list_entries()
    assert len(entries) == 3 * len(paths)
    assert_allclose(clf.fit(paths, y).predict_proba(paths), first, rtol=1e-4)
    assert list_entries() == entries


def test_nested_parameters_can_be_given_and_searched(song_files):
    paths, y, _ = song_files
    clf = make_genre_classifier("knn", duration=1.0, knn__n_neighbors=3)
    assert clf["knn"].n_neighbors == 3
    search = GridSearchCV(clf, {"knn__n_neighbors": [1, 3]}, cv=2, error_score="raise")
    assert search.fit(paths, y).best_params_["knn__n_neighbors"] in (1, 3)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("duration", [None, 0, -1.0, np.nan, np.inf, "30", [30]], ids=str)
def test_a_duration_that_is_none_is_refused_by_all(name, duration):
    message = "duration must be a positive number of seconds, got "
    with pytest.raises(ValueError, match=message) as caught:
        make_genre_classifier(name, duration=duration)
    assert repr(duration) in str(caught.value)


@pytest.mark.parametrize("sr", [None, 0, -1.0, np.nan, np.inf, "22050"], ids=str)
def test_a_sample_rate_that_is_none_is_refused(sr):
    with pytest.raises(ValueError, match="sr must be a positive number of hertz, got "):
        make_genre_classifier("lda", sr=sr)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("svm", {}, "'svm' needs at least 1.9 seconds of each clip to cut it into 10 segments"),
        ("rbm", {"sr": 16000}, "'rbm' needs at least 2.6 seconds of each clip to cut it into 10"),
        ("svm", {"n_segments": 3}, "at least 0.6 seconds of each clip to cut it into 3 segments"),
        ("linear", {}, "'linear' needs at least 0.2 seconds of each clip; got duration=0.1"),
        ("unified", {}, "'unified' needs at least 0.2 seconds of each clip; got duration=0.1"),
        ("knn", {"duration": 1e-5}, "'knn' needs at least 0.1 seconds of each clip"),
        ("cnn-mel", {"duration": 1e-5}, "'cnn-mel' needs at least 0.1 seconds of each clip"),
        ("lstm", {"duration": 1e-5}, "'lstm' needs at least 0.1 seconds of each clip to cut it"),
    ],
)
def test_a_duration_too_short_for_the_features_is_refused(name, settings, message):
    with pytest.raises(ValueError, match=message):
        make_genre_classifier(name, **{"duration": 0.1} | settings)


@pytest.mark.parametrize(("name", "duration"), [("svm", 1.9), ("linear", 0.2), ("unified", 0.2)])
def test_the_shortest_duration_is_taken(name, duration):
    make_genre_classifier(name, duration=duration)


def test_segments_that_are_set_too_short_are_named_when_fitted(songs):
    clf = make_genre_classifier("svm", descriptors__segment_duration=0.1)
    with pytest.raises(ValueError, match=r"the 9 frames of a delta; raise segment_duration=0\.1"):
        clf.fit(*songs[:2])


@pytest.mark.parametrize(
    ("arguments", "params", "message"),
    [
        (["cnn"], {}, "no recipe 'cnn'; choose from ann-mel, "),
        (["knn"], {"knn__neighbours": 3}, "neighbours"),
        (["lda"], {"n_segments": 3}, "takes whole clips; leave n_segments=3 out"),
        (["svm"], {"n_segments": 0}, "n_segments == 0, must be >= 1"),
    ],
)
def test_bad_arguments_are_named(arguments, params, message):
    with pytest.raises(ValueError, match=message):
        make_genre_classifier(*arguments, **params)
