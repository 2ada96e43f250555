"""How Sphinx builds the site: `make docs`."""

import inspect
import os
import re
import tomllib
import warnings
from pathlib import Path

# TensorFlow says on import what it was compiled for
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import skgenre

PYPROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text("utf-8"))


def make_warnings_errors(gallery_conf, name, when):
    """Let an example fail on a warning, as a test does."""
    warnings.simplefilter({"before": "error", "after": "ignore"}[when])
    for library in ("keras", "scikeras", "tensorflow"):
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=library)


project = "skgenre"
author = "The skgenre developers"
copyright = author
release = version = skgenre.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/**.ipynb", "**/GALLERY_HEADER.rst"]
# a name in single backticks is a link, so that a name that has gone is noticed
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    # Other libraries: their inventories would have to be fetched from the network.
    (
        r"py:.*",
        r"(collections|joblib|keras|librosa|numpy|pandas|scipy|sklearn|torch|transformers)\..*",
    ),
    (r"py:obj", r"Pipeline|\w*KFold|BaggingClassifier|VotingClassifier"),
    # what GroupStackingClassifier has from scikit-learn's, with links into its documentation
    (r"py:obj", r"n_features_in_"),
    (r"std:term", r"fit"),
]

# a function in the context of templates cannot be pickled, and need not be
suppress_warnings = ["config.cache"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_context = {"find_own_methods": lambda name: find_own_methods(name)}
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_validation_checks = set(PYPROJECT["tool"]["numpydoc_validation"]["checks"])

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"^(?!plot_)",
    "within_subsection_order": "FileNameSortKey",
    "doc_module": ("skgenre",),
    "backreferences_dir": "api/generated/examples",
    "download_all_examples": False,
    "show_memory": False,
    "reset_modules": ("matplotlib", make_warnings_errors),
    "reset_modules_order": "both",
    "write_computation_times": False,
    "remove_config_comments": True,
}

html_theme = "pydata_sphinx_theme"
html_title = "skgenre"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": [], "install": [], "pitfalls": [], "measured": [], "whats_new": []}


def find_own_methods(name):
    """Return the methods of a class, without those that scikit-learn gives to every estimator."""
    cls = getattr(*_find(name))
    return [
        method
        for method, value in inspect.getmembers(cls, inspect.isroutine)
        if not method.startswith("_")
        and (getattr(value, "__module__", None) or "").startswith("skgenre")
    ]


def _find(name):
    module, _, attribute = name.rpartition(".")
    return __import__(module, fromlist=[attribute]), attribute


def resolve_bare_name(app, env, node, content):
    """Find a public name by its last part: it may stand alone, or after the name of its room."""
    target = re.fullmatch(r"(?:skgenre\..*\.)?(\w+)", node.get("reftarget", ""))
    if node.get("refdomain") != "py" or not target:
        return None
    domain = env.get_domain("py")
    found = [
        name
        for name, entry in domain.objects.items()
        if name.rpartition(".")[2] == target[1] and not entry.aliased
    ]
    if len(found) != 1:
        return None
    return domain.resolve_xref(env, node["refdoc"], app.builder, "obj", found[0], node, content)


def setup(app):
    """Register what is above."""
    app.connect("missing-reference", resolve_bare_name)
