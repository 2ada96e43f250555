"""What docs/architecture.md says of the parts and their libraries holds."""

import ast
from pathlib import Path

import pytest

import skgenre

ROOT = Path(skgenre.__file__).parent
# Each may import those before it, and all may import the private modules that they share.
PARTS = [
    "audio",
    "tagging",
    "datasets",
    "feature_extraction",
    "preprocessing",
    "feature_selection",
    "mixture",
    "neural_network",
    "ensemble",
    "model_selection",
    "inspection",
    "recipes",
    "persistence",
    "web",
    "cli",
]
HOMES = {
    "av": "audio/_ffmpeg.py",
    "featurewiz": "feature_selection/_featurewiz_package.py",
    "huggingface_hub": "_pretrained/_torch.py",
    "matplotlib": "inspection/_plotting.py",
    "mutagen": "datasets/_tags.py tagging/_formats.py tagging/_ogg.py",
    "numba": "_numba.py",
    "onnxruntime": "_onnx/_runtime.py",
    "sklearn_compat": "_sklearn.py",
    "scikeras": "neural_network/_training.py",
    "tensorflow": "neural_network/_keras.py",
    "torch": "_pretrained/_torch.py",
    "transformers": "_pretrained/_torch.py",
}
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))


def find_imports(module):
    """Return the libraries and the parts of skgenre that a module imports, now or later."""
    libraries, parts = set(), set()
    for node in ast.walk(ast.parse((ROOT / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            libraries |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            libraries.add(node.module.split(".")[0])
        elif isinstance(node, ast.ImportFrom) and node.level == len(module.parts):
            named = [node.module] if node.module else [alias.name for alias in node.names]
            parts |= {name.split(".")[0] for name in named}
    return libraries, parts


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_one_way(module):
    libraries, parts = find_imports(module)
    for library in libraries & HOMES.keys():
        assert module.as_posix() in HOMES[library].split()
    if module.name == "__main__.py":
        return
    own = module.with_suffix("").parts[0]
    public = {part for part in parts if not part.startswith("_")} - {own}
    if own.startswith("_"):
        assert not public
    else:
        assert public <= set(PARTS[: PARTS.index(own)])
        if own not in ("model_selection", "cli"):
            assert "datasets" not in public
