from numbers import Real

import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin, clone, is_classifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch, _safe_indexing, check_random_state, indexable
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_method_params, check_is_fitted

from .._bags import validate_genres
from .._base import check_not_empty, fit_context, forget_table
from .._division import check_groups, divide_songs
from .._fit_parameters import share_out
from .._genres import check_genres
from .._names import printable
from .._tables import make_table
from ..audio._clips import keep_apart
from ._branches import BranchComposition
from ._embeddings import (
    answer_rows,
    find_readable_rows,
    fit_embed,
    flatten_embedding,
    join_names,
    name_columns,
)
from ._learning import learns_from_genres
from ._stacking import GroupStackingClassifier


def _head_has_predict_proba(self):
    head = self.head_ if hasattr(self, "head_") else self._make_head()
    return hasattr(head, "predict_proba")


class UnifiedGenreClassifier(ClassifierMixin, BranchComposition):
    """Classify songs by what several nets and descriptors say of them together.

    Each branch turns songs into numbers: a net into what its last layer gets, a table of
    descriptors into itself. These embeddings stand side by side; a selector may thin them out, and
    a last classifier, the head, learns genres from them.

    What a net says of the songs that it was trained on is too good. Branches that learn from genres
    are therefore fitted on one part of the songs, and the head on what they say of the others.
    Branches that do not are fitted on all songs; if there are no others, so is the head.

    Parameters
    ----------
    branches : list of (str, estimator), default=None
        Names and branches: transformers, or classifiers that also `transform`; pipelines of them
        too. ``"drop"`` in the place of one leaves it out. ``None`` means a net on MFCCs of
        segments of 3 s, ``"cnn"``, and audio descriptors, ``"descriptors"``; both take files.
    selector : transformer, default=None
        Chooses among the columns of all embeddings, fitted on what the head learns from:
        `FeatureWizSelector`, say.
    final_estimator : classifier, default=None
        The head. ``None`` means a logistic regression on standardised columns.
    head_fraction : float, default=0.3
        Share of the songs that the head learns from, where a branch learns from genres.
    stack_method : {"transform", "predict_proba"}, default="transform"
        What the head learns from. ``"predict_proba"`` means the probabilities that branches, now
        classifiers all, give for songs held out of each of ``cv`` folds; both they and the head
        then learn from all songs. The axes of embeddings, unlike genres, differ from fit to fit, so
        that folds have no use for them.
    cv : int, cross-validation splitter or iterable of folds, default=5
        Folds for ``"predict_proba"``, as `GroupStackingClassifier` takes them.
    random_state : int, RandomState instance or None, default=None
        For the choice of the songs that the head learns from.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the training songs; the answer for songs that could not be read.
    branches_ : Bunch
        The fitted branches by name.
    head_ : Pipeline
        The fitted selector, if any, and final estimator.
    feature_names_ : ndarray of str
        Names of the columns that the head or the selector gets, the branch before ``__``.
    head_songs_ : ndarray of int
        Which songs are the head's part; all for ``"predict_proba"``.
    branch_heads_ : dict
        For branches that are no classifiers, a classifier on their own columns, by name.
    stack_ : GroupStackingClassifier or None
        What answers for ``"predict_proba"``.
    n_features_in_ : int
        Number of columns, where X is a table.
    feature_names_in_ : ndarray of str
        Their names, where X is a frame.

    See Also
    --------
    GroupStackingClassifier : The same from probabilities.
    FeatureWizSelector : Thins columns out by correlation and by gradient-boosted trees.
    Wav2VecEmbedder : A branch that needs no training.

    Notes
    -----
    The head's part of the songs is stratified by genre. Where `fit` gets ``groups``, no artist is
    on both sides, but for genres of a single artist: their songs are divided at random, since the
    head cannot answer a genre that it has not met.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022, which
       wished for a unified model of a convolutional net and Wav2Vec2.
    .. [2] D. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import AudioDescriptorTransformer, KerasANNClassifier, MFCCSegmenter
    >>> from skgenre import SpectrogramScaler, UnifiedGenreClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(24, n_genres=2, duration=3.0, random_state=0)
    >>> net = make_pipeline(
    ...     MFCCSegmenter(duration=3.0),
    ...     SpectrogramScaler(),
    ...     KerasANNClassifier((8,), epochs=5, random_state=0),
    ... )
    >>> table = AudioDescriptorTransformer(features=("mfcc",), duration=3.0)
    >>> clf = UnifiedGenreClassifier(branches=[("net", net), ("table", table)], random_state=0)
    >>> clf.fit(X, y).predict_proba(X).shape
    (24, 2)
    >>> list(clf.score_branches(X, y).index)
    ['net', 'table', 'oracle', 'unified']
    """

    _parameter_constraints: dict = {
        "branches": [list, None],
        "selector": [HasMethods(["fit", "transform"]), None],
        "final_estimator": [HasMethods(["fit", "predict"]), None],
        "head_fraction": [Interval(Real, 0, 1, closed="neither")],
        "stack_method": [StrOptions({"transform", "predict_proba"})],
        "cv": ["cv_object"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        branches=None,
        selector=None,
        final_estimator=None,
        head_fraction=0.3,
        stack_method="transform",
        cv=5,
        random_state=None,
    ):
        self.branches = branches
        self.selector = selector
        self.final_estimator = final_estimator
        self.head_fraction = head_fraction
        self.stack_method = stack_method
        self.cv = cv
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None, **fit_params):
        """Fit the branches and the head.

        Parameters
        ----------
        X : array-like
            Songs, as the branches take them: paths, waveforms, bags of segments, a table.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            The artist of each song, say. Branches whose own `fit` takes groups get those of their
            songs.
        **fit_params : dict
            ``sample_weight``, for the head and the branches that learn from genres, which must
            support it. With scikit-learn's metadata routing, whatever they ask for; groups are then
            routed too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If a branch cannot do what ``stack_method`` names or gives ragged bags, if there is one
            genre, or a genre with one song.
        """
        branches = self._validate_branches()
        X, y, groups = indexable(keep_apart(X), validate_genres(self, y), check_groups(groups))
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs songs of at least 2 classes, got only one class: "
                f"'{printable(self.classes_[0])}'"
            )
        self.class_prior_ = np.bincount(codes) / len(codes)
        fit = self._fit_stack if self.stack_method == "predict_proba" else self._fit_embeddings
        fit(branches, X, y, {"groups": groups, **fit_params})
        forget_table(self)
        for branch in self.branches_.values():
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(branch, name):
                    setattr(self, name, getattr(branch, name))
        return self

    def _make_head(self, selector=None):
        """Return an unfitted pipeline of a selector and the final estimator."""
        final = self.final_estimator
        if final is None:
            final = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
        selector = "passthrough" if selector is None else clone(selector)
        return Pipeline([("selector", selector), ("final_estimator", clone(final))])

    def _fit_stack(self, branches, X, y, metadata):
        metadata = {name: value for name, value in metadata.items() if value is not None}
        self.stack_ = GroupStackingClassifier(
            branches, self._make_head(self.selector), cv=self.cv, stack_method="predict_proba"
        ).fit(X, y, **metadata)
        self.branch_heads_ = {}
        self.branches_ = self.stack_.named_estimators_
        self.head_ = self.stack_.final_estimator_
        self.head_songs_ = np.arange(len(y))
        genres = self.classes_ if len(self.classes_) > 2 else self.classes_[1:]
        self.feature_names_ = np.concatenate([join_names(name, genres) for name, _ in branches])

    def _fit_embeddings(self, branches, X, y, metadata):
        head = self._make_head(self.selector)
        learning = {name: branch for name, branch in branches if learns_from_genres(branch)}
        params = share_out(self, [*learning.items(), ("final_estimator", head)], metadata)
        of_branches, of_head = self._divide(y, metadata["groups"], learning)
        self.stack_, self.head_songs_ = None, of_head

        self.branches_, tables, names = Bunch(), [], []
        for name, branch in branches:
            branch = self.branches_[name] = clone(branch)
            if name in learning:
                own_params = _check_method_params(X, params[name], of_branches)
                branch.fit(_safe_indexing(X, of_branches), y[of_branches], **own_params)
                embedding = branch.transform(_safe_indexing(X, of_head))
            else:
                embedding = fit_embed(branch, X, y, **params.get(name, {}))
                embedding = _safe_indexing(embedding, of_head)
            tables.append(flatten_embedding(name, embedding))
            names.append(name_columns(name, branch, tables[-1].shape[1]))
        self.feature_names_ = np.concatenate(names)
        readable = find_readable_rows(tables)
        of_head = of_head[readable]
        missing = np.setdiff1d(self.classes_, y[of_head])
        if len(missing):
            raise ValueError(f"No song of {missing.tolist()} that the head gets could be read")
        tables = [table[readable] for table in tables]
        own_params = _check_method_params(X, params["final_estimator"], of_head)
        self.head_ = head.fit(np.hstack(tables), y[of_head], **own_params)
        self.branch_heads_ = {
            name: self._make_head().fit(table, y[of_head], **own_params)
            for (name, branch), table in zip(self.branches_.items(), tables, strict=True)
            if not is_classifier(branch)
        }

    def _divide(self, y, groups, learning):
        """Return the songs for branches that learn from genres, and those for the head."""
        if not learning:
            return None, np.arange(len(y))
        try:
            return divide_songs(
                y, groups, self.head_fraction, check_random_state(self.random_state)
            )
        except ValueError as error:
            raise ValueError(
                f"{len(y)} songs cannot be divided by head_fraction={self.head_fraction}: {error}"
            ) from error

    @available_if(_head_has_predict_proba)
    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            In the order of ``classes_``. A song that could not be read has the class prior.
        """
        check_is_fitted(self)
        if self.stack_ is not None:
            return self.stack_.predict_proba(X)
        return answer_rows(self.head_.predict_proba, [*self._embed(X).values()], self.class_prior_)

    def predict(self, X):
        """Predict the genres of songs.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        y : ndarray of shape (n_songs,)
            The genres. A song that could not be read has the most frequent one.
        """
        check_is_fitted(self)
        return self._predict(X, {} if self.stack_ is not None else self._embed(X))

    def _predict(self, X, tables):
        if self.stack_ is not None:
            return self.stack_.predict(X)
        return answer_rows(self.head_.predict, [*tables.values()], self._usual_genre)

    def predict_branches(self, X):
        """Predict the genres of songs by each branch alone.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        predicted : DataFrame of shape (n_songs, n_branches)
            By the names of the branches. A branch that is a classifier answers itself; for others
            there is a classifier like the head, but for the selector, on the branch's own columns.
        """
        check_is_fitted(self)
        check_not_empty(X, "song")
        tables = {
            name: flatten_embedding(name, self.branches_[name].transform(X))
            for name in self.branch_heads_
        }
        return self._predict_branches(X, tables)

    def _predict_branches(self, X, tables):
        predicted = [
            answer_rows(self.branch_heads_[name].predict, [tables[name]], self._usual_genre)
            if name in self.branch_heads_
            else branch.predict(X)
            for name, branch in self.branches_.items()
        ]
        return make_table(list(zip(*predicted, strict=True)), list(self.branches_))

    def score_branches(self, X, y, sample_weight=None):
        """Return the accuracy of each branch alone, of the best of them for each song, and of all.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.
        y : array-like of shape (n_songs,)
            The genre of each song.
        sample_weight : array-like of shape (n_songs,), default=None
            Weight of each song.

        Returns
        -------
        accuracy : Series
            By the names of the branches, then ``"oracle"``, where a song counts if any branch is
            right, a bound for what a head can make of their answers, and ``"unified"``.
        """
        check_is_fitted(self)
        y = check_genres(y)
        tables = {} if self.stack_ is not None else self._embed(X)
        predicted = self._predict_branches(X, tables)
        is_right = predicted == y.astype(object)[:, np.newaxis]
        is_right["oracle"] = is_right.any(axis=1)
        is_right["unified"] = self._predict(X, tables) == y
        return pd.Series(np.average(is_right, axis=0, weights=sample_weight), is_right.columns)

    def _embed(self, X):
        check_not_empty(X, "song")
        return {name: flatten_embedding(name, b.transform(X)) for name, b in self.branches_.items()}

    @property
    def _usual_genre(self):
        return self.classes_[self.class_prior_.argmax()]

    def get_metadata_routing(self):
        """Return what this classifier and those in it ask for.

        Returns
        -------
        routing : MetadataRouter
            As `sklearn.utils.metadata_routing` describes.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        fit = MethodMapping().add(caller="fit", callee="fit")
        parts = dict(self._get_branches())
        return router.add(
            **parts, final_estimator=self._make_head(self.selector), method_mapping=fit
        )
