"""Branches of a unified model that are asked for genres, each by itself."""

from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier

from ._held_out import fit_and_answer
from ._learning import learns_from_genres

_OF_HEAD = "head__"


class HeadedBranch(ClassifierMixin, BaseEstimator):
    """A transformer that learns from genres, and a classifier on what it gives."""

    def __init__(self, branch, head):
        self.branch = branch
        self.head = head

    def fit(self, X, y, **params):
        """Fit both; parameters for the classifier have names that begin with ``head__``."""
        of_head = {name: value for name, value in params.items() if name.startswith(_OF_HEAD)}
        own = {name: value for name, value in params.items() if name not in of_head}
        of_head = {name.removeprefix(_OF_HEAD): value for name, value in of_head.items()}
        self.branch_ = clone(self.branch)
        self.head_ = clone(self.head).fit(_fit_embed(self.branch_, X, y, **own), y, **of_head)
        self.classes_ = self.head_.classes_
        return self

    def predict_proba(self, X):
        """Return the probabilities of shape (n_songs, n_classes)."""
        return ask(self.branch_, self.head_, X)


def fit_and_hold_out(branch, head, X, y, folds, *, of_branch, of_head):
    """Fit a branch on all songs, and on those outside of each fold.

    Parameters
    ----------
    branch : estimator
        A classifier, or a transformer, which is fitted once if it does not learn from genres.
    head : classifier
        What answers by the columns of a transformer.
    X, y : array-like of shape (n_songs,)
        Songs and their genres.
    folds : list of (ndarray, ndarray)
        Songs to fit on and to answer for.
    of_branch, of_head : dict
        Parameters of fit for either.

    Returns
    -------
    branch, head : estimator
        Fitted on all songs; no head for a classifier.
    answers : list of Answer
        What was said of the songs of each fold.
    """
    if is_classifier(branch):
        model, params = branch, of_branch
    elif learns_from_genres(branch):
        model = HeadedBranch(branch, head)
        params = {**of_branch, **{_OF_HEAD + name: value for name, value in of_head.items()}}
    else:
        branch = clone(branch)
        X, model, params = _fit_embed(branch, X, y, **of_branch), head, of_head
    answers = [fit_and_answer(clone(model), X, y, params, "predict_proba", *fold) for fold in folds]
    fitted = clone(model).fit(X, y, **params)
    if model is branch:
        return fitted, None, answers
    if isinstance(fitted, HeadedBranch):
        return fitted.branch_, fitted.head_, answers
    return branch, fitted, answers


def ask(branch, head, X):
    """Return the probabilities that a fitted branch gives, itself or by its head."""
    if head is None:
        return branch.predict_proba(X)
    return head.predict_proba(_to_dense(branch.transform(X)))


def _fit_embed(branch, X, y, **fit_params):
    """Fit a transformer on songs, and return what it gives for the same."""
    if hasattr(branch, "fit_transform"):
        return _to_dense(branch.fit_transform(X, y, **fit_params))
    return _to_dense(branch.fit(X, y, **fit_params).transform(X))


def _to_dense(embedding):
    return embedding.toarray() if issparse(embedding) else embedding
