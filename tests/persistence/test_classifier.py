import copy
import pickle
import subprocess
import sys
import threading

import matplotlib as mpl
import numpy as np
import pytest
import soundfile as sf
from joblib import Parallel, delayed, parallel_config
from sklearn.base import clone, is_classifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import estimator_checks

from skgenre import (
    AudioError,
    OcclusionDisplay,
    SegmentTimelineDisplay,
    explain_segment,
    load_model,
)

SR = 4000

mpl.use("Agg")


@pytest.fixture
def clf(write):
    return load_model(write())


def test_answers_are_those_of_the_graph(clf, songs, make):
    expected = make.expect(songs)
    for found, segments in zip(clf.predict_segment_proba(songs), expected, strict=True):
        np.testing.assert_allclose(found, segments, atol=1e-6)
    whole = np.stack([segments.mean(axis=0) for segments in expected])
    np.testing.assert_allclose(clf.predict_proba(songs), whole, atol=1e-6)
    assert clf.predict(songs).tolist() == clf.classes_[whole.argmax(axis=1)].tolist()
    assert clf.score(songs, clf.predict(songs)) == 1


def test_paths_and_samples_with_a_rate_are_songs_too(clf, songs, tmp_path):
    path = tmp_path / "song.wav"
    sf.write(path, songs[0], SR, subtype="FLOAT")
    twice = np.repeat(songs[0], 2)
    given = [str(path), songs[0], (songs[0], SR), {"array": twice, "sampling_rate": 2 * SR}]
    proba = clf.predict_proba(given)
    np.testing.assert_allclose(proba[1:3], proba[[0, 0]], atol=1e-6)
    np.testing.assert_allclose(proba[3], proba[0], atol=0.05)
    np.testing.assert_array_equal(clf.predict_proba(np.stack([songs[0]] * 2))[0], proba[1])


def test_a_song_that_cannot_be_read_has_the_prior(clf, songs, tmp_path):
    path = tmp_path / "broken.wav"
    path.write_bytes(b"RIFF")
    with pytest.raises(AudioError, match=r"broken\.wav"):
        clf.predict([songs[0], path])
    clf.set_params(on_error="nan")
    with pytest.warns(UserWarning, match="1 of 2 clips could not be read"):
        proba = clf.predict_proba([songs[0], path])
    np.testing.assert_allclose(proba[1], [0.25, 0.25, 0.5])
    with pytest.warns(UserWarning, match="could not be read"):
        assert clf.predict([path]).tolist() == ["techno"]


def test_numbers_can_be_genres(write, make, songs):
    info = make.info._replace(genres=(3, 1, 2))
    clf = load_model(write(make.model(info=info)))
    assert clf.predict(songs).dtype.kind == "i"
    assert set(clf.predict(songs)) <= {1, 2, 3}


def test_long_songs_are_judged_in_parts(clf, make, write):
    from skgenre.persistence._format import Features

    (part,) = make.info.features
    params = {**part.params, "duration": None}
    info = make.info._replace(features=(Features(part.name, part.transformer, params, part.shape),))
    clf = load_model(write(make.model(info=info)))
    song = np.random.default_rng(0).uniform(-1, 1, 100 * SR).astype(np.float32)
    song *= np.linspace(0.01, 1, len(song), dtype=np.float32)
    (segments,) = clf.predict_segment_proba([song])
    assert segments.shape == (200, 3)
    np.testing.assert_allclose(clf.predict_proba([song])[0], segments.mean(axis=0), atol=1e-6)
    parts = [clf.predict_segment_proba([song[i : i + SR]])[0] for i in range(0, len(song), SR)]
    np.testing.assert_allclose(segments, np.concatenate(parts), atol=1e-6)


def test_it_is_a_fitted_classifier_that_cannot_be_fitted(clf, songs):
    assert is_classifier(clf)
    assert clf.__sklearn_is_fitted__()
    assert not hasattr(clf, "n_features_in_")
    with pytest.raises(NotImplementedError, match=r"cannot be fitted.*export it again"):
        clf.fit(songs, ["blues", "rock", "rock"])
    assert check_cv(2, ["a", "a", "b", "b"], classifier=is_classifier(clf)).__class__.__name__ == (
        "StratifiedKFold"
    )


def test_what_was_learnt_cannot_be_changed(clf):
    for name in ("classes_", "class_prior_"):
        with pytest.raises(AttributeError):
            setattr(clf, name, [1, 2])
    with pytest.raises(ValueError, match="read-only"):
        clf.classes_[0] = "jazz"


def test_copies_and_clones_share_the_file(clf, songs):
    for other in (clone(clf), copy.copy(clf), copy.deepcopy(clf), clone(FrozenEstimator(clf))):
        same = getattr(other, "estimator", other)
        assert same.model is clf.model
        np.testing.assert_array_equal(same.predict_proba(songs), clf.predict_proba(songs))
    changed = clone(clf).set_params(n_jobs=2, on_error="nan")
    assert (clf.n_jobs, clf.on_error) == (None, "raise")
    np.testing.assert_array_equal(changed.predict_proba(songs), clf.predict_proba(songs))


def test_a_pickle_needs_no_file(clf, songs, tmp_path):
    expected = clf.predict_proba(songs)
    data = pickle.dumps(clf.set_params(n_jobs=2))
    (tmp_path / "model.onnx").unlink()
    again = pickle.loads(data)
    assert again.n_jobs == 2
    np.testing.assert_array_equal(again.predict_proba(songs), expected)
    assert pickle.dumps(again) == data


def test_it_prints_the_file(clf, tmp_path):
    text = repr(clf.set_params(n_jobs=2))
    assert "model.onnx" in text
    assert "n_jobs=2" in text
    assert len(text) < 300
    assert "model.onnx" in clf._repr_html_()


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"on_error": "ignore"}, "on_error"),
        ({"timeout": -1}, "timeout"),
        ({"n_jobs": "two"}, "n_jobs"),
        ({"model": "gtzan-10"}, "model"),
    ],
)
def test_wrong_parameters_are_named(clf, songs, params, says):
    with pytest.raises(ValueError, match=f"'{says}' parameter"):
        clf.set_params(**params).predict(songs)


def test_threads_and_processes_give_the_same(clf, songs):
    expected = clf.predict_proba(songs)
    clf.set_params(n_jobs=2)
    np.testing.assert_array_equal(clf.predict_proba(songs), expected)
    with parallel_config("threading", n_jobs=2):
        np.testing.assert_array_equal(clone(clf).predict_proba(songs), expected)
    found = Parallel(n_jobs=4, prefer="threads")(
        delayed(clf.predict_proba)(songs) for _ in range(12)
    )
    assert all((proba == expected).all() for proba in found)
    assert threading.active_count() < 50


@pytest.mark.slow
def test_other_processes_give_the_same(clf, songs):
    expected = clf.predict_proba(songs)
    with parallel_config("loky"):
        np.testing.assert_array_equal(clf.set_params(n_jobs=2).predict_proba(songs), expected)


def test_features_are_kept_in_a_cache(clf, songs, tmp_path):
    path = tmp_path / "song.wav"
    sf.write(path, songs[0], SR)
    clf.set_params(cache=tmp_path / "kept", verbose=0, timeout=60)
    first = clf.predict_proba([path])
    assert [*(tmp_path / "kept").rglob("output.bin")]
    np.testing.assert_array_equal(clf.predict_proba([path]), first)


def test_probabilities_can_be_calibrated(clf, songs):
    X = np.stack([songs[0] * scale for scale in np.linspace(0.1, 1.9, 12)])
    y = ["blues", "rock", "techno"] * 4
    calibrated = CalibratedClassifierCV(FrozenEstimator(clf), cv=2).fit(X, y)
    proba = calibrated.predict_proba(X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert calibrated.classes_.tolist() == clf.classes_.tolist()


def test_displays_hear_what_it_hears(clf, songs):
    display = SegmentTimelineDisplay.from_estimator(clf, songs[0])
    np.testing.assert_allclose(display.proba, clf.predict_segment_proba([songs[0]])[0], atol=1e-6)
    assert display.segment_duration == 0.5
    drops = explain_segment(clf, songs[0], genre="rock", segment=1)
    assert drops.shape == (8, 8)
    assert np.abs(drops).max() > 1e-4
    drawn = OcclusionDisplay.from_estimator(clf, songs[0], genre="rock", segment=1)
    np.testing.assert_array_equal(drawn.drops, drops)


@pytest.mark.parametrize(
    "name",
    [
        "do_not_raise_errors_in_init_or_set_params",
        "estimator_cloneable",
        "estimator_repr",
        "estimator_tags_renamed",
        "get_params_invariance",
        "mixin_order",
        "no_attributes_set_in_init",
        "set_params",
        "valid_tag_types",
    ],
)
def test_scikit_learns_checks_of_what_needs_no_fit(clf, name):
    check = getattr(estimator_checks, f"check_{name}", None)
    if check is None:
        pytest.skip("this version of scikit-learn has no such check")
    check("OnnxGenreClassifier", clf)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_segment_proba"])
def test_answers_do_not_hang_on_other_songs(clf, songs, method):
    """As scikit-learn's checks of subsets, order, memory and state have it."""
    X = np.stack([songs[0] * scale for scale in (1, 0.01, 0.5, 0.2)])
    before = dict(vars(clf))
    X.flags.writeable = False
    expected = [*getattr(clf, method)(X)]
    for given, order in [(X[::-1], [3, 2, 1, 0]), (np.asfortranarray(X), range(4)), (X[2:3], [2])]:
        found = getattr(clf, method)(given)
        for one, number in zip(found, order, strict=True):
            np.testing.assert_array_equal(one, expected[number])
    assert vars(clf) == before


@pytest.mark.parametrize(
    ("X", "says"),
    [
        ("song.wav", "single path"),
        ([], "empty"),
        ([[0.1, np.nan] * SR], "NaN"),
        ([np.full(SR, np.inf)], "NaN or infinity"),
        (None, "sequence of clips"),
    ],
)
def test_what_is_no_song_is_refused(clf, X, says):
    with pytest.raises(ValueError, match=says):
        clf.predict(X)


def test_displays_refuse_what_has_no_segments_or_spectrograms(write, make, songs):
    whole = load_model(write(make.model(info=make.info._replace(aggregate="song"))))
    with pytest.raises(TypeError, match=r"model\.onnx classifies whole songs"):
        SegmentTimelineDisplay.from_estimator(whole, songs[0])
    (part,) = make.info.features
    twice = (part, part._replace(name="features_2"))
    nodes = [
        make.helper.make_node("Add", ["features", "features_2"], ["sum"]),
        make.helper.make_node("ReduceMean", ["sum", "frames"], ["bands"], keepdims=0),
        *make.nodes()[1:],
    ]
    inputs = [make.describe(name, ["n", 8, 8]) for name in ("features", "features_2")]
    info = make.info._replace(features=twice)
    two = load_model(write(make.model(nodes, info=info, inputs=inputs)))
    assert two.predict_proba(songs).shape == (3, 3)
    with pytest.raises(ValueError, match=r"takes the features of MelSpectrogramTransformer, Mel"):
        explain_segment(two, songs[0])


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.onnx' is neither the name.*'gtzan-10'"):
        load_model(tmp_path / "none.onnx")
    with pytest.raises(OSError, match="neither the name"):
        load_model(tmp_path)
    with pytest.raises(FileNotFoundError, match="zero byte in its name"):
        load_model("a\0b")


def test_loading_needs_no_deep_learning(write, songs, tmp_path):
    np.save(tmp_path / "song.npy", songs[0])
    code = (
        "import sys, numpy as np; from skgenre import load_model;"
        f"clf = load_model({str(write())!r});"
        f"print(clf.predict([np.load({str(tmp_path / 'song.npy')!r})])[0]);"
        "print(*{'tensorflow', 'keras', 'torch', 'onnx', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["blues"]


def test_loading_opens_no_other_file(write):
    code = (
        "import sys; from skgenre import load_model;"
        f"path = {str(write())!r}; load_model(path); on = [];"
        "sys.addaudithook(lambda event, args: on and event in ('open', 'socket.connect')"
        " and not isinstance(args[0], int)"
        " and print(event, *args[:1]));"
        "on.append(1); load_model(path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.splitlines()) == {f"open {write()}"}
