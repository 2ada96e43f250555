"""From a fitted pipeline to a model file."""

import math
import os
import warnings
from datetime import UTC, datetime
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, is_classifier
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from .._base import installed_versions
from .._checked_files import local_path, write_whole
from .._names import printable
from ..ensemble import SelectiveClassifier
from ..feature_extraction._base import BaseClipTransformer
from ..neural_network._fine_tuning import BaseFineTunedClassifier
from ._classifier import OnnxGenreClassifier
from ._format import READING, Abstention, ModelInfo

_MISSING = "To export models, install the extra of skgenre: pip install 'skgenre[export]'"
_PACKAGES = (
    "skgenre",
    "scikit-learn",
    "numpy",
    "keras",
    "tensorflow",
    "torch",
    "transformers",
    "onnxruntime",
)
_SCORES = (
    "protocol",
    "accuracy",
    "low",
    "high",
    "calibration_error",
    "macro_f1",
    "log_loss",
    "n_songs",
    "n_groups",
)
_LONGEST = 200
# Parameters whose texts may name a file, or what somebody called something.
_FILES = {"checkpoint", "checkpoint_dir", "memory", "model", "revision"}
# Parameters that may differ in pipelines of one recipe.
_SECONDARY = {
    "batch_size",
    "cache",
    "duration",
    "epochs",
    "memory",
    "n_iter",
    "n_jobs",
    "n_segments",
    "on_error",
    "orig_sr",
    "random_state",
    "sr",
    "timeout",
    "verbose",
}


def export_model(clf, path, *, card=None, include_features=True):
    """Save a fitted pipeline as a single ONNX file that contains no code.

    Any ONNX runtime can run it, also in a browser or on a phone, and `load_model` loads it without
    the libraries that the pipeline was trained with. See :doc:`/guide/model-files`.

    Needs the extra ``export``: ``pip install "skgenre[export]"``.

    Parameters
    ----------
    clf : classifier
        A fitted classifier of songs with ``predict_proba``: a pipeline that starts with a
        transformer of skgenre, or a scikit-learn wrapper around one, such as
        `sklearn.calibration.CalibratedClassifierCV`.
    path : path-like
        Where to save the file. An existing file is replaced only once the new one is complete.
    card : dict, Series or DataFrame, default=None
        How accurate the classifier is, for the model card: one row of `summarize`, or several. A
        dict may also have the key ``learned_from`` with a dict of ``n_songs`` and ``n_artists`` of
        the training songs.
    include_features : bool, default=True
        Include the feature extraction in the file where possible, so that it takes waveforms.
        Otherwise it takes features, and stores the settings of their transformer.

    Raises
    ------
    ImportError
        If the extra is not installed.
    ValueError
        If a step cannot be exported, or ``card`` is not understood. The message names the step. An
        existing file stays unchanged.
    OSError
        If the file cannot be written.

    See Also
    --------
    load_model : Loads the file.
    joblib.dump : Saves a pipeline that can be trained further, for the same library versions only.

    Notes
    -----
    The ONNX graph takes one song at a time. It returns the probabilities of each segment and of the
    song, which differ from the pipeline's by at most 1e-4. Networks with half precision are
    exported in float32.

    Mel spectrograms, MFCCs and the input of musicnn can be part of the graph if all features of the
    pipeline are of these kinds and cut songs in the same way. `AudioDescriptorTransformer` cannot.

    `Wav2VecClassifier` and `Wav2VecEmbedder` can be exported if their model takes waveforms from a
    ``Wav2Vec2FeatureExtractor``, like wav2vec 2.0, HuBERT and WavLM.

    A `SelectiveClassifier`, also as the last step of a pipeline, is exported with its calibration,
    ``threshold_`` and ``unknown``, so the loaded model predicts ``unknown`` for the same songs.

    The file records which versions made it, but no paths, titles or names of artists.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skgenre import export_model, make_genre_classifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(24, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_genre_classifier("linear", duration=3.0).fit(X, y)
    >>> folder = tempfile.mkdtemp()
    >>> export_model(clf, Path(folder, "linear.onnx"))
    """
    path = local_path(path, "path")
    _check(clf)
    genres = _plain_genres(clf.classes_)
    scores, learned_from = _read_card(card)
    _build = import_builder()
    built = _build.build(clf, include_features=include_features)
    info = ModelInfo(
        genres=genres,
        prior=_find_prior(clf),
        sr=built.sr,
        features=built.features,
        segments=built.segments,
        aggregate=built.aggregate,
        made_by=_tell_origin(clf),
        learned_from=learned_from,
        scores=scores,
        abstains=_find_abstention(clf),
    )
    write_whole(path, _build.serialize(built.model, info.to_props()))


def import_builder():
    """Return the module that makes graphs, which needs the extra."""
    try:
        from . import _build
    except ImportError as error:
        raise ImportError(_MISSING) from error
    return _build


def _check(clf):
    """Refuse what is no fitted classifier with probabilities."""
    if not isinstance(clf, BaseEstimator) or not is_classifier(clf):
        raise ValueError(f"clf must be a classifier, got {printable(repr(clf)[:_LONGEST])}")
    check_is_fitted(clf)
    if isinstance(clf, OnnxGenreClassifier):
        raise ValueError(
            "clf comes from a model file; copy that file, or export the original pipeline"
        )
    if not hasattr(clf, "predict_proba"):
        raise ValueError(
            f"{_outline(clf)} has no predict_proba, which a model file needs; wrap it in "
            "CalibratedClassifierCV"
        )


def _plain_genres(classes):
    """Return genres as JSON has them."""
    genres = classes.tolist()
    is_text = all(isinstance(genre, str) for genre in genres)
    is_number = all(isinstance(genre, int) and not isinstance(genre, bool) for genre in genres)
    if not (is_text or is_number) or len(genres) < 2:
        raise ValueError(
            "A model file needs at least two genres, all strings or all integers, got "
            f"{printable(repr(genres)[:_LONGEST])}"
        )
    return tuple(genres)


def _find_prior(clf):
    """Return what a song that cannot be read is answered by: what the classifier says of NaN.

    scikit-learn's classifiers refuse such songs, and what is around a pipeline is not asked; then
    it is the same for all genres.
    """
    n_genres = len(clf.classes_)
    clf = getattr(clf, "best_estimator_", clf)
    steps = [step for _, step in clf.steps] if isinstance(clf, Pipeline) else [clf]
    first = steps[0]
    if isinstance(first, BaseFineTunedClassifier) and len(steps) == 1:
        return tuple(np.asarray(first.class_prior_, dtype=np.float64).tolist())
    if not isinstance(first, BaseClipTransformer):
        return (1 / n_genres,) * n_genres
    song = first._allocate(1)
    song[0] = first._unreadable_row()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            prior = clf[1:].predict_proba(song)[0]
        except ValueError:
            prior = np.full(n_genres, 1 / n_genres)
    return tuple(np.asarray(prior, dtype=np.float64).tolist())


def _find_abstention(clf):
    """Return when a classifier gives no genre, or None if it always does."""
    clf = getattr(clf, "best_estimator_", clf)
    if isinstance(clf, Pipeline):
        return _find_abstention(clf[-1])
    if not isinstance(clf, SelectiveClassifier):
        return None
    threshold = clf.threshold_ if math.isfinite(clf.threshold_) else None
    answer = clf.unknown if isinstance(clf.unknown, str) else int(clf.unknown)
    return Abstention(answer, threshold)


def _read_card(card):
    """Return scores, a tuple of dicts, and what the classifier learned from."""
    learned_from = {"n_songs": None, "n_artists": None}
    if card is None:
        return (), learned_from
    if hasattr(card, "iterrows"):
        rows = [row.to_dict() for _, row in card.iterrows()]
    elif hasattr(card, "keys"):
        rows = [dict(card.items())]
    else:
        raise ValueError(
            f"card must be a row of summarize, or several, got a {type(card).__name__}"
        )
    scores = []
    for row in rows:
        given = row.pop("learned_from", {})
        unknown = set(given) - set(learned_from)
        if unknown:
            raise ValueError(f"card's learned_from takes n_songs and n_artists, got {unknown}")
        learned_from.update({name: _plain_score(name, n) for name, n in given.items()})
        known = {name: _plain_score(name, row[name]) for name in _SCORES if name in row}
        if known and "accuracy" not in known:
            raise ValueError(f"card has no accuracy; a row of summarize has {', '.join(_SCORES)}")
        scores += [known] if known else []
    return tuple(scores), learned_from


def _plain_score(name, value):
    """Return a number or a text of a card as JSON has it; None for NaN."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or (isinstance(value, str) and name == "protocol"):
        return value
    if isinstance(value, bool) or not isinstance(value, Real):
        raise ValueError(f"card's {name} must be a number, got {printable(repr(value)[:_LONGEST])}")
    if isinstance(value, Integral):
        return int(value)
    return float(value) if math.isfinite(value) else None


def _tell_origin(clf):
    """Return what made a classifier, without anything that stands for a file."""
    params = {name: _plain_param(name, value) for name, value in clf.get_params().items()}
    return {
        "recipe": find_recipe(clf),
        "estimator": _outline(clf),
        "parameters": {name: value for name, (is_plain, value) in params.items() if is_plain},
        "versions": {
            package: version
            for package, version in installed_versions(_PACKAGES).items()
            if version != "unknown"
        },
        "date": _today(),
    }


def _today():
    """Return the date, or that of ``SOURCE_DATE_EPOCH``, so that a build can be repeated."""
    seconds = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(int(seconds), UTC)
    return now.date().isoformat()


def _outline(clf):
    """Return the names of the classes that a classifier is made of."""
    name = type(clf).__name__
    if hasattr(clf, "steps"):
        return " > ".join(_outline(step) for _, step in clf.steps)
    inner = getattr(clf, "estimator", None)
    if isinstance(clf, str):
        return clf
    return name if inner is None else f"{name}({_outline(inner)})"


def _plain_param(name, value):
    """Return whether JSON can hold a parameter that tells of no file, and how."""
    from .._onnx._net import BUNDLED

    own = name.split("__")[-1]
    if own in READING or _is_path(name):
        return False, None
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return True, value
    if isinstance(value, float):
        return math.isfinite(value), value
    if isinstance(value, str):
        names_file = own in _FILES and value not in BUNDLED
        return not (names_file or _is_path(value) or len(value) > _LONGEST), printable(value)
    if isinstance(value, list | tuple) and len(value) <= _LONGEST:
        parts = [_plain_param(name, part) for part in value]
        return all(is_plain for is_plain, _ in parts), [part for _, part in parts]
    return False, None


def _is_path(text):
    return "/" in text or "\\" in text


def find_recipe(clf):
    """Return the name of the recipe that a pipeline was made by, or None.

    A recipe is known by its steps and their parameters, but for those that say how songs are read,
    and how long and from which seed it learns.
    """
    from ..recipes import RECIPES, make_genre_classifier

    if not isinstance(clf, Pipeline):
        return None
    given = _distinctive(clf)
    for name in RECIPES:
        if name != "best" and _distinctive(make_genre_classifier(name)) == given:
            return name
    return None


def _distinctive(clf):
    """Return what tells recipes apart: classes, parameters, and whether there are segments."""
    told: dict = {}
    for name, value in clf.get_params().items():
        own = name.split("__")[-1]
        if own == "segment_duration":
            told[name] = value is None
        elif own not in _SECONDARY and not isinstance(value, list):
            told[name] = type(value).__name__ if hasattr(value, "get_params") else repr(value)
    return told
