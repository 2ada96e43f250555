"""Importing the package costs next to nothing."""

import subprocess
import sys

import pytest

import skgenre

HEAVY = (
    "tensorflow",
    "keras",
    "torch",
    "transformers",
    "librosa",
    "numba",
    "featurewiz",
    "onnxruntime",
    "matplotlib",
    "xgboost",
    "sklearn",
)


def in_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_import_loads_nothing_heavy():
    loaded = in_fresh_process("import skgenre, sys; print(*sys.modules)")
    assert not set(HEAVY) & set(loaded)


def test_defining_a_pipeline_loads_no_deep_learning():
    loaded = in_fresh_process(
        "from skgenre import *; import sys;"
        "KerasCNNClassifier(), MFCCSegmenter(), AudioDescriptorTransformer(), FeatureWizSelector();"
        "Wav2VecClassifier(), Wav2VecEmbedder(), OnnxEmbedder();"
        "print(*sys.modules)"
    )
    assert not (set(HEAVY) - {"sklearn"}) & set(loaded)


def test_features_are_computed_without_what_compiles_when_imported():
    loaded = in_fresh_process(
        "import sys, numpy as np; from skgenre import make_genre_classifier;"
        "y = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 22050)).astype(np.float32);"
        "make_genre_classifier('lda', duration=1)[:1].fit_transform(y, [0, 1]);"
        "print(*sys.modules)"
    )
    assert "librosa" not in loaded


@pytest.mark.parametrize("name", skgenre.__all__)
def test_every_public_name_exists(name):
    assert getattr(skgenre, name).__doc__


def test_all_but_the_data_sets_is_importable_from_the_package():
    parts = [skgenre.audio, skgenre.ensemble, skgenre.feature_extraction]
    parts += [skgenre.feature_selection, skgenre.inspection, skgenre.mixture]
    parts += [skgenre.model_selection, skgenre.neural_network, skgenre.preprocessing]
    parts += [skgenre.persistence]
    for part in parts:
        assert set(part.__all__) <= set(skgenre.__all__)


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, *rest):
        if name == {package!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
from skgenre import *
try:
    {call}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("package", "extra", "call"),
    [
        ("tensorflow", "keras", "KerasANNClassifier().fit([[0.], [1.]], [0, 1])"),
        ("torch", "wav2vec", "Wav2VecClassifier().fit([[0.], [1.]], [0, 1])"),
        ("transformers", "wav2vec", "Wav2VecEmbedder().fit([[0.], [1.]])"),
        ("matplotlib", "plot", "TrainingHistoryDisplay({'loss': [1.]}).plot()"),
    ],
)
def test_missing_extra_is_named(package, extra, call):
    printed = in_fresh_process(WITHOUT.format(package=package, call=call))
    assert f"'skgenre[{extra}]'" in printed
