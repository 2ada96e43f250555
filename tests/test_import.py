"""Importing the package costs next to nothing."""

import subprocess
import sys

import pytest

import skgenre

HEAVY = "tensorflow", "keras", "torch", "transformers", "librosa", "numba", "featurewiz", "sklearn"


def in_fresh_process(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_import_loads_nothing_heavy():
    loaded = in_fresh_process("import skgenre, sys; print(*sys.modules)")
    assert not set(HEAVY) & set(loaded)


def test_defining_a_pipeline_loads_no_deep_learning():
    loaded = in_fresh_process(
        "from skgenre import *; import sys;"
        "KerasCNNClassifier(), MFCCSegmenter(), AudioDescriptorTransformer();"
        "print(*sys.modules)"
    )
    assert not {"tensorflow", "keras", "torch", "transformers", "librosa", "numba"} & set(loaded)


@pytest.mark.parametrize("name", skgenre.__all__)
def test_every_public_name_exists(name):
    assert getattr(skgenre, name).__doc__


def test_missing_extra_is_named():
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from skgenre import KerasANNClassifier\n"
        "try: KerasANNClassifier().fit([[0.], [1.]], [0, 1])\n"
        "except ImportError as error: print(error)"
    )
    assert "skgenre[keras]" in " ".join(in_fresh_process(code))
