"""Docstrings of public names: in numpydoc's format, with shapes, units, errors and an example."""

import ast
import builtins
import importlib
import inspect
import pkgutil
import re
import textwrap
import tomllib
from pathlib import Path
from types import FunctionType

import pytest
from sklearn.utils._available_if import _AvailableIfDescriptor
from sklearn.utils._testing import assert_docstring_consistency

import skgenre
from skgenre import (
    KerasANNClassifier,
    KerasCNNClassifier,
    KerasRNNClassifier,
    MelSpectrogramTransformer,
    MFCCSegmenter,
    feature_extraction,
)
from skgenre.audio import AudioError
from skgenre.model_selection import LeakageError

pytest.importorskip("numpydoc")
from numpydoc.docscrape import get_doc_object
from numpydoc.validate import get_validation_checks, validate

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
# commands, which have a guide in place of an API page
COMMANDS = {"cli", "web"}
LONGEST = 130
# with more than thirty parameters
LONGER = {"skgenre.neural_network.Wav2VecClassifier": 150}
UNITS = {
    r"(orig_)?sr|fmin|fmax": "Hz",
    r"(\w+_)?duration|timeout|offset": "second",
    r"n_fft|hop_length|win_length": "sample",
}
ERRORS = {
    error.__name__
    for error in [*vars(builtins).values(), AudioError, LeakageError]
    if inspect.isclass(error) and issubclass(error, Exception)
}


def _find_public():
    """Return the classes and functions of all public packages by name."""
    public = {}
    for package in pkgutil.walk_packages(skgenre.__path__, "skgenre."):
        parts = package.name.split(".")
        if package.ispkg and not any(part.startswith("_") or part in COMMANDS for part in parts):
            module = importlib.import_module(package.name)
            public |= {
                f"{package.name}.{name}": getattr(module, name)
                for name in module.__all__
                if not name.startswith("_") and callable(getattr(module, name))
            }
    return public


def _find_members(kinds):
    """Return what the classes have of our own, methods or properties, by name."""
    return {
        f"{name}.{member}": value
        for name, cls in TOP.items()
        if inspect.isclass(cls)
        for member, value in inspect.getmembers_static(cls, lambda value: isinstance(value, kinds))
        if not member.startswith("_") and _function_of(value).__module__.startswith("skgenre.")
    }


def _function_of(thing):
    """Return the function within a decorated method, a property or a constructor."""
    if inspect.isclass(thing):
        return thing.__init__
    if isinstance(thing, property):
        return thing.fget
    # what `available_if` and `classmethod` wrap
    return inspect.unwrap(getattr(thing, "__func__", getattr(thing, "fn", thing)))


TOP = _find_public()
ALL = TOP | _find_members((FunctionType, classmethod, staticmethod, _AvailableIfDescriptor))


def _fields(thing):
    """Yield name, type and text of each parameter, attribute and result."""
    doc = get_doc_object(thing)
    for section in ("Parameters", "Attributes", "Returns", "Yields"):
        for field in doc[section]:
            yield field.name, field.type, " ".join(field.desc)


@pytest.mark.parametrize("name", ALL)
def test_the_format_is_numpydocs(name):
    config = tomllib.loads(PYPROJECT.read_text("utf-8"))["tool"]["numpydoc_validation"]
    checks = get_validation_checks(set(config["checks"]))
    assert [error for error in validate(name)["errors"] if error[0] in checks] == []


@pytest.mark.parametrize("name", TOP)
def test_there_is_an_example(name):
    assert any(line.startswith(">>> ") for line in get_doc_object(TOP[name])["Examples"])


@pytest.mark.parametrize("name", ALL)
def test_arrays_have_a_shape(name):
    arrays = [field for field in _fields(ALL[name]) if "array" in field[1]]
    assert [field for field in arrays if not re.search("shape|Axes", field[1])] == []


@pytest.mark.parametrize("name", ALL)
def test_numbers_have_a_unit(name):
    lacking = [
        f"{field}: {unit}"
        for field, _, text in _fields(ALL[name])
        for pattern, unit in UNITS.items()
        if re.fullmatch(pattern, field) and not re.search(rf"\b{unit}", text, re.IGNORECASE)
    ]
    assert lacking == []


@pytest.mark.parametrize("name", ALL)
def test_errors_and_warnings_are_documented(name):
    raised, warns = _find_raised(_function_of(ALL[name]))
    doc = get_doc_object(ALL[name])
    assert raised - {field.type for field in doc["Raises"]} == set()
    assert doc["Warns"] or not warns


def _find_raised(function):
    """Return the errors that a function raises itself, and whether it warns.

    Or its private helpers in the same module.
    """
    if not inspect.isfunction(function):
        return set(), False
    source = Path(inspect.getsourcefile(function)).read_text("utf-8")
    helpers = {
        node.name: node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_")
    }
    waiting = [ast.parse(textwrap.dedent(inspect.getsource(function)))]
    raised, warns = set(), False
    while waiting:
        for node in ast.walk(waiting.pop()):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                warns |= called == "warnings.warn"
                helper = helpers.pop(called.removeprefix("self."), None)
                waiting += [helper] if helper else []
            elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                raised.add(ast.unparse(node.exc.func))
    return raised & ERRORS, warns


@pytest.mark.parametrize("name", TOP)
def test_references_are_cited(name):
    text, _, references = inspect.getdoc(TOP[name]).partition("References\n----------\n")
    numbers = re.findall(r"^\.\. \[(\d+)\]", references, flags=re.MULTILINE)
    assert set(re.findall(r"\[(\d+)\]_", text)) == set(numbers)


@pytest.mark.parametrize("name", TOP)
def test_it_is_short_enough_to_read(name):
    assert len(inspect.getdoc(TOP[name]).splitlines()) <= LONGER.get(name, LONGEST)


def test_properties_are_among_the_attributes_of_their_class():
    for name in _find_members(property):
        cls, _, attribute = name.rpartition(".")
        assert attribute in [field.name for field in get_doc_object(TOP[cls])["Attributes"]]


TRANSFORMERS = [cls for cls in vars(feature_extraction).values() if inspect.isclass(cls)]
SPECTROGRAMS = [MFCCSegmenter, MelSpectrogramTransformer]
NETS = [KerasANNClassifier, KerasCNNClassifier, KerasRNNClassifier]


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (TRANSFORMERS, "duration segment_duration cache on_error timeout verbose"),
        (SPECTROGRAMS, "sr orig_sr n_fft hop_length win_length window center pad_mode power"),
        (SPECTROGRAMS, "n_mels fmin fmax htk norm top_db"),
        (NETS, "epochs batch_size learning_rate learning_rate_schedule aggregate gain precision"),
        (NETS, "validation_fraction early_stopping patience class_weight callbacks random_state"),
    ],
)
def test_shared_parameters_read_the_same(classes, names):
    assert_docstring_consistency(classes, include_params=names.split())
