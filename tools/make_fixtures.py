"""Make tests/fixtures/<version>/: pickles and model files that all later versions have to read.

Every recipe is fitted on a few invented songs, and so is what else can be pickled. Beside each file
stands what it answers, for songs that are kept as well. What is there already is never made anew:
a second run adds what is missing, and a new version gets a folder of its own. Then the tests of the
fixtures are run in another process, where the answers must be the same to the bit.

    pip install "skgenre[test,wav2vec]"
    python tools/make_fixtures.py
"""

import contextlib
import json
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from importlib.metadata import version
from pathlib import Path
from unittest import mock

# other threads add in another order
os.environ["OMP_NUM_THREADS"] = "1"

import joblib
import numpy as np
import onnx
import pandas as pd
from onnx import numpy_helper
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgenre import (
    AudioDescriptorTransformer,
    GaussianMixtureClassifier,
    GroupStackingClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    MFCCSegmenter,
    OnnxEmbedder,
    RepeatedStratifiedGroupKFold,
    SegmentSummarizer,
    SegmentVotingClassifier,
    SelectiveClassifier,
    SpectrogramScaler,
    Wav2VecClassifier,
    export_model,
    load_model,
    make_genre_classifier,
)
from skgenre._base import _PACKAGES, installed_versions
from skgenre._onnx import _net
from skgenre.datasets import make_genre_clips
from skgenre.neural_network.architectures import dense_net
from skgenre.recipes import RECIPES

TESTS = Path(__file__).parents[1] / "tests"
# how fixtures are asked is theirs to say
sys.path.insert(0, str(TESTS))
from test_fixtures import FIXTURES, ask, list_learnt  # noqa: E402

SECONDS = 1.5
READING = {"duration": SECONDS}
# of the songs that are asked for: one is as those that were learned from, the others are shorter
LENGTHS = (1.5, 1.2, 0.7)
# Parameters that make files small and fits short. In lower precisions answers depend on the CPU.
SMALL = {
    "cv": 2,
    "epochs": 1,
    "hidden_layer_sizes": (8,),
    "n_components": 2,
    "n_estimators": 3,
    "n_iter": 20,
    "n_mels": 24,
    "precision": "float32",
    "skip_xgboost": True,
    "checkpoint": "checkpoint",
}
SMALL_NETS = {
    KerasCNNClassifier: {"filters": (4,), "dense_units": 4},
    KerasRNNClassifier: {"units": (4,), "dense_units": 4},
}
SMALL_FEATURES = ("rms", "mfcc", "tempo")
CHECKPOINT: dict = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "conv_dim": (8, 8),
    "conv_kernel": (10, 8),
    "conv_stride": (5, 4),
    "num_feat_extract_layers": 2,
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
}
MAX_DIFFERENCE = 1e-4


class Fixtures:
    """A folder of fixtures: songs, and files with what they answer."""

    def __init__(self, folder):
        self.folder = folder
        self._answers = folder / "answers.json"
        if self._answers.exists():
            self.known = json.loads(self._answers.read_text(encoding="utf-8"))
        else:
            self._begin()

    def _begin(self):
        """Keep the songs that are asked for, and the checkpoint of pretrained models."""
        self.folder.mkdir(parents=True)
        X, _ = make_genre_clips(len(LENGTHS), n_genres=3, duration=SECONDS, random_state=1)
        songs = {
            str(i): np.round(clip[: round(length * 22050)] * (2**15 - 1)).astype(np.int16)
            for i, (clip, length) in enumerate(zip(X, LENGTHS, strict=True))
        }
        np.savez_compressed(self.folder / "songs.npz", **songs)
        save_checkpoint(self.folder / "checkpoint")
        columns = {"title": ["Blue", None, "Rock on"], "artist": ["A", "a stranger", None]}
        self.known = {"columns": columns, "pickles": {}, "models": {}}
        self._write()

    def ask(self, clf):
        """Return the genres of the songs, and their probabilities."""
        return ask(clf, self.folder, self.known["columns"])

    def note(self, kind, name, answer, **more):
        """Keep what a file answers, and what made it."""
        genres, proba = answer
        self.known[kind][name] = {
            "genres": genres.tolist(),
            "probabilities": proba.tolist(),
            "made_with": installed_versions(_PACKAGES),
            **more,
        }
        self._write()

    def _write(self):
        text = json.dumps(self.known, indent=1, sort_keys=True)
        self._answers.write_text(text + "\n", encoding="utf-8")


def save_checkpoint(folder):
    """Save a tiny Wav2Vec2 of random weights."""
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(**CHECKPOINT)
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)


def make_recipe(name):
    """Return the pipeline of a recipe, made small."""
    usual = RECIPES[name].n_segments
    clf = make_genre_classifier(
        name, **READING, random_state=0, n_segments=2 if usual and usual > 1 else None
    )
    params = clf.get_params()
    small = {}
    for key, value in params.items():
        own = key.split("__")[-1]
        if own in SMALL:
            small[key] = SMALL[own]
        elif own == "features" and isinstance(value, tuple):
            small[key] = SMALL_FEATURES
        elif type(value) in SMALL_NETS and value.architecture != "musicnn":
            small[f"{key}__architecture_params"] = SMALL_NETS[type(value)]
    if has_musicnn_in_keras(clf):
        del small["mel__n_mels"]
    return clf.set_params(**small)


def has_musicnn_in_keras(clf):
    """Tell a net that learns on from the weights of musicnn, which are then its own."""
    return "musicnn" in [v for k, v in clf.get_params().items() if k.endswith("architecture")]


def has_bundled_net(clf):
    """Tell a pipeline of nets that its pickle names and its model file holds."""
    return not _net.BUNDLED.keys().isdisjoint(
        value for value in clf.get_params().values() if isinstance(value, str)
    )


def make_others():
    """Return classifiers by name that hold what no recipe has."""
    descriptors = AudioDescriptorTransformer(**READING)
    table = make_pipeline(descriptors, StandardScaler(), LogisticRegression())
    bags = make_pipeline(MFCCSegmenter(n_segments=2, **READING), SpectrogramScaler())
    forms = [
        ("mixture", GaussianMixtureClassifier(1, random_state=0)),
        ("votes", SegmentVotingClassifier(make_pipeline(StandardScaler(), LogisticRegression()))),
        ("summary", make_pipeline(SegmentSummarizer(), StandardScaler(), LogisticRegression())),
    ]
    net_of_file = OnnxEmbedder("musicnn-msd.onnx", store_model=True, **READING)
    splits = RepeatedStratifiedGroupKFold(n_splits=2, n_repeats=1, random_state=0)
    own_net = KerasCNNClassifier(
        # not one of its own, so that a pickle holds the function and the weights
        architecture=dense_net,
        architecture_params={"hidden_layer_sizes": (8,)},
        epochs=1,
        random_state=0,
    )
    needs_checkpoint = Wav2VecClassifier(
        checkpoint="checkpoint",
        sr=22050,
        segment_duration=0.75,
        n_segments=2,
        hidden_layer_sizes=(4,),
        epochs=1,
        precision="float32",
        store_base_weights=False,
        random_state=0,
    )
    return {
        "stacking": make_pipeline(bags, GroupStackingClassifier(forms, cv=2)),
        "selective": SelectiveClassifier(table, target_precision=0.7, cv=splits),
        "net-of-file": make_pipeline(net_of_file, StandardScaler(), LogisticRegression(C=0.01)),
        "own-architecture": make_pipeline(clone(bags), own_net),
        "needs-checkpoint": needs_checkpoint,
    }


def fit(clf):
    """Fit a classifier on invented songs, titles and artists."""
    X, y, artists = make_genre_clips(
        24, n_genres=3, duration=SECONDS, n_artists_per_genre=4, random_state=0, return_groups=True
    )
    X = list(X)
    if "columns" in getattr(clf, "named_steps", {}):
        titles = [f"The {genre} of {i}" for i, genre in enumerate(y)]
        X = pd.DataFrame({"path": X, "title": titles, "artist": artists})
    groups = {"groups": artists} if isinstance(clf, SelectiveClassifier) else {}
    return clf.fit(X, y, **groups)


def round_musicnn():
    """Write nets that compress well, to stand for musicnn, whose weights would fill megabytes.

    Returns their paths by the names of the nets.
    """
    files = {}
    for name, file in _net.BUNDLED.items():
        model = onnx.load(_net._DATA / file)
        for tensor in model.graph.initializer:
            values = numpy_helper.to_array(tensor)
            if values.size > 1000:
                step = 4 * values.std()
                rounded = (step * np.round(values / step)).astype(values.dtype)
                tensor.CopyFrom(numpy_helper.from_array(rounded, tensor.name))
        files[name] = os.path.abspath(f"{name}.onnx")
        onnx.save(model, files[name])
    return files


def forget_place(clf):
    """Leave no folder of this machine in the pickle of a fine-tuned model."""
    for step in getattr(clf, "named_steps", {"": clf}).values():
        if isinstance(step, Wav2VecClassifier):
            checkpoint = step.model_.checkpoint
            checkpoint.name = checkpoint.config.name_or_path = SMALL["checkpoint"]


def add_pickle(fixtures, name, clf):
    """Keep the pickle of a classifier, and what it answers."""
    joblib.dump(clf, fixtures.folder / f"{name}.joblib", compress=("xz", 9))
    fixtures.note("pickles", name, fixtures.ask(clf), learnt=sorted(list_learnt(clf)))


def add_model(fixtures, name, clf):
    """Export a classifier to a model file, if that can be done, and keep what it answers."""
    path = Path(f"{name}.onnx")
    try:
        export_model(clf, path)
    except ValueError as error:
        print(f"{name}: no model file. {error}")
        return
    answer = fixtures.ask(load_model(path))
    difference = np.abs(answer[1] - fixtures.ask(clf)[1]).max()
    if difference > MAX_DIFFERENCE:
        raise SystemExit(f"{name}: the model file answers {difference:.1e} from the pipeline")
    (fixtures.folder / f"{name}.onnx.xz").write_bytes(lzma.compress(path.read_bytes(), preset=9))
    fixtures.note("models", name, answer)


def add_missing(fixtures):
    """Make the files that are not there yet. The folder is one to write in."""
    shutil.copytree(fixtures.folder / "checkpoint", "checkpoint")
    as_musicnn = partial(mock.patch.dict, _net.BUNDLED, round_musicnn())
    # a recipe of two names is made once
    recipes = {recipe: name for name, recipe in reversed(RECIPES.items())}.values()
    classifiers = {**{name: make_recipe(name) for name in sorted(recipes)}, **make_others()}
    for name, clf in classifiers.items():
        print(name)
        if name not in fixtures.known["pickles"]:
            with as_musicnn() if has_musicnn_in_keras(clf) else contextlib.nullcontext():
                forget_place(fit(clf))
            add_pickle(fixtures, name, clf)
        if name not in fixtures.known["models"]:
            fitted = joblib.load(fixtures.folder / f"{name}.joblib")
            with as_musicnn():
                add_model(fixtures, name, fit(clone(clf)) if has_bundled_net(clf) else fitted)
    if "loaded" not in fixtures.known["pickles"]:
        Path("linear.onnx").write_bytes(
            lzma.decompress((fixtures.folder / "linear.onnx.xz").read_bytes())
        )
        add_pickle(fixtures, "loaded", load_model("linear.onnx"))
    if "gtzan-10" not in fixtures.known["pickles"]:
        add_pickle(fixtures, "gtzan-10", load_model("gtzan-10"))


def main():
    fixtures = Fixtures(FIXTURES / version("skgenre"))
    with tempfile.TemporaryDirectory() as work, contextlib.chdir(work):
        add_missing(fixtures)
    for path in sorted(fixtures.folder.iterdir(), key=lambda path: path.stat().st_size):
        print(f"{path.stat().st_size / 1e3:8.1f} kB  {path.name}")
    exact = {**os.environ, "SKGENRE_FIXTURES": "exact"}
    command = [sys.executable, "-m", "pytest", "-q", str(TESTS / "test_fixtures.py")]
    raise SystemExit(subprocess.run(command, env=exact).returncode)


if __name__ == "__main__":
    main()
