"""The branches of a unified model as its parameters."""

from sklearn.base import is_classifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.metaestimators import _BaseComposition

from .._base import VersionedEstimator
from .._sklearn import get_tags
from ..feature_extraction import AudioDescriptorTransformer, MFCCSegmenter, OnnxEmbedder
from ..neural_network import KerasCNNClassifier
from ..preprocessing import SpectrogramScaler

_OF_ALL = ("oracle", "unified")


class BranchComposition(VersionedEstimator, _BaseComposition):
    """A base of estimators with ``branches``, of which some may be dropped."""

    def get_params(self, deep=True):
        """Return the parameters, including the branches and their parameters by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the branches and their parameters.

        Returns
        -------
        params : dict
            Names and values.
        """
        if self.branches is None:
            return super().get_params(deep=deep)
        return self._get_params("branches", deep=deep)

    def set_params(self, **params):
        """Set parameters, branches, and parameters of branches.

        Parameters
        ----------
        **params : dict
            Names and values, such as ``cnn__cnn__epochs=20`` or ``cnn="drop"``.

        Returns
        -------
        self : object
            The classifier.
        """
        if params.get("branches", self.branches) is None:
            return super().set_params(**params)
        return self._set_params("branches", **params)

    def _validate_branches(self):
        """Return names and branches that are in use, each of which must answer or transform."""
        names = [name for name, _ in self.branches or []]
        self._validate_names(names)
        taken = sorted(set(names) & set(_OF_ALL))
        if taken:
            raise ValueError(f"Branches cannot be named {taken}, which score_branches uses")
        branches = self._get_branches()
        if not branches:
            raise ValueError("All branches are dropped; at least one is needed")
        for name, branch in branches:
            method = "predict_proba" if is_classifier(branch) else "transform"
            if not hasattr(branch, method):
                raise ValueError(f"Branch {name!r}, a {type(branch).__name__}, has no {method}")
        return branches

    def _get_branches(self):
        """Return names and branches that are in use, the usual ones for None."""
        branches = _make_default_branches() if self.branches is None else self.branches
        return [(name, branch) for name, branch in branches if branch != "drop"]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._all_take("allow_nan")
        tags.input_tags.sparse = self._all_take("sparse")
        return tags

    def _more_tags(self):
        return {"allow_nan": self._all_take("allow_nan")}

    def _all_take(self, kind):
        """Whether all branches take a kind of X, by their tags."""
        branches = [branch for _, branch in self.branches or [] if branch != "drop"]
        takes = [getattr(get_tags(branch).input_tags, kind) for branch in branches]
        return bool(takes) and all(takes)


def _make_default_branches():
    mfcc = MFCCSegmenter(n_segments=None, segment_duration=3.0)
    net = make_pipeline(mfcc, SpectrogramScaler(), KerasCNNClassifier())
    return [
        ("cnn", net),
        ("descriptors", AudioDescriptorTransformer()),
        ("musicnn", OnnxEmbedder()),
    ]
