"""How Sphinx builds the site: `make docs`."""

import inspect
import os
import re
import shutil
import tomllib
import warnings
from pathlib import Path

# what TensorFlow and transformers say would stand among the output of the examples
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

from docutils import nodes
from sklearn.base import BaseEstimator
from sphinx.addnodes import pending_xref
from sphinx.ext.autosummary import import_by_name
from sphinx.util import logging

import skgenre
from skgenre.web import export_page

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
toc_object_entries_show_parents = "hide"

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
    "show_signature": False,
    "capture_repr": (),
    "reset_modules": ("matplotlib", make_warnings_errors),
    "reset_modules_order": "both",
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skgenre"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo.svg",
        "text": "skgenre",
    },
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# pages that have no others below them
ALONE = "index install pitfalls scale measured try whats_new contributing architecture security"
html_sidebars = {page: [] for page in ALONE.split()}


def find_own_methods(name):
    """Return the methods of a class, without those of every estimator of scikit-learn."""
    cls = import_by_name(name)[1]
    return [
        method
        for method, value in inspect.getmembers(cls, inspect.isroutine)
        if not method.startswith("_")
        and not hasattr(BaseEstimator, method)
        and (getattr(value, "__module__", None) or "").startswith("skgenre")
    ]


def export_try_page(app, config):
    """Add the page that listens where npm provides what it runs on, or has done so before."""
    folder = Path(app.outdir).parent / "extra"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        export_page(folder / "try")
    except FileNotFoundError as error:
        logging.getLogger(__name__).info("The page to try is left out: %s", error)
        return
    config.html_extra_path = [str(folder)]
    app.tags.add("page")


def link_names(app, doctree):
    """Make public names in guides links; whoever reads the Markdown itself sees them as code."""
    if app.env.docname.startswith(("api/", "auto_examples/")):
        return
    public = {*skgenre.__all__, *skgenre.datasets.__all__}
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        if name in public and not isinstance(literal.parent, nodes.title | nodes.reference):
            link = pending_xref(
                refdomain="py", reftype="obj", reftarget=name, refdoc=app.env.docname
            )
            literal.replace_self(link)
            link += literal


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
    app.connect("config-inited", export_try_page)
    app.connect("doctree-read", link_names)
    app.connect("missing-reference", resolve_bare_name)
