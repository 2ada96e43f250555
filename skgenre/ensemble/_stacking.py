import numpy as np
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch, indexable
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._bags import check_several, validate_genres
from .._base import VersionedEstimator, check_not_empty, fit_context, forget_table
from .._fit_parameters import share_out
from .._genres import check_groups
from ..audio._clips import keep_apart
from ._held_out import find_met, fit_and_answer, join_answers, make_folds
from ._pool import LogarithmicPool


def _final_has_predict_proba(self):
    final = getattr(self, "final_estimator_", self.final_estimator)
    return isinstance(final, str) or hasattr(final or LogisticRegression(), "predict_proba")


class GroupStackingClassifier(VersionedEstimator, StackingClassifier):
    """Stack classifiers, and keep artists apart where the last one learns from the others.

    Each classifier answers for the songs of a fold after training on the other folds, and the final
    one learns from these answers how far to trust each. In `sklearn.ensemble.StackingClassifier`
    songs of one artist stand on both sides of a fold, and what knows artists by heart is trusted
    most. Here no group of songs is on both sides where `fit` gets ``groups``. All else is
    scikit-learn's.

    Parameters
    ----------
    estimators : list of (str, classifier)
        The classifiers and their names; ``"drop"`` in the place of one leaves it out.
    final_estimator : classifier or "pool", default=None
        Learns from their answers. ``None`` means `sklearn.linear_model.LogisticRegression`.
        ``"pool"`` multiplies their probabilities, each to the power of a weight that it learns for
        the classifier [3]_. While songs are few, it stays near the best classifier alone.
        What a classifier without probabilities decides counts as their logarithms; with a single
        one, such as a support vector machine, this is temperature scaling [4]_ and gives it some.
    cv : int, cross-validation splitter or iterable of folds, default=None
        Number of folds; ``None`` means 5, or as many as the commonest genre has songs if these are
        fewer. With groups, they are those of `sklearn.model_selection.StratifiedGroupKFold`, and as
        many as there are groups if these are fewer; else of
        `sklearn.model_selection.StratifiedKFold`. A splitter gets the groups too.
    stack_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        What to ask of each classifier. ``"auto"`` takes the first of these that it has.
    n_jobs : int, default=None
        How many fits run at a time, in processes unless `joblib.parallel_config` names another
        backend. Nets need processes.
    passthrough : bool, default=False
        Give X to the final classifier too. Only for tables.
    verbose : int, default=0
        Verbosity of `joblib.Parallel`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    estimators_ : list of classifier
        The classifiers, fitted on all songs.
    named_estimators_ : Bunch
        The same by name.
    final_estimator_ : classifier
        The final classifier. That of ``"pool"`` has the weights as ``weights_``.
    stack_method_ : list of str
        What is asked of each classifier.
    n_features_in_ : int
        Number of columns, where X is a table.
    feature_names_in_ : ndarray of str
        Their names, where X is a frame.

    See Also
    --------
    sklearn.ensemble.StackingClassifier : The same without groups.
    sklearn.model_selection.StratifiedGroupKFold : Keeps groups apart.

    Notes
    -----
    The classifiers, and the final one, see genres as they are given to `fit`: their
    ``class_weight`` is keyed by them. One that takes integers only, such as XGBoost's, needs genres
    that are integers from 0.

    In a fold that holds all groups of a genre, classifiers that have not met this genre give it the
    probability 0. ``"pool"`` learns nothing from such songs. Another final classifier learns from
    them that a genre of a single group is never known, and may never answer it: let each genre have
    several.

    In a `Pipeline`, pass ``groupstackingclassifier__groups=groups``. With scikit-learn's metadata
    routing, ask for them by ``set_fit_request(groups=True)``.

    References
    ----------
    .. [1] D. Wolpert, "Stacked generalization", Neural Networks 5(2), 1992.
    .. [2] A. Flexer, "A closer look on artist filters for musical genre classification", ISMIR
       2007.
    .. [3] C. Genest and J. V. Zidek, "Combining probability distributions: a critique and an
       annotated bibliography", Statistical Science 1(1), 1986.
    .. [4] C. Guo, G. Pleiss, Y. Sun and K. Weinberger, "On calibration of modern neural networks",
       ICML 2017.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skgenre import AudioDescriptorTransformer, GaussianMixtureClassifier
    >>> from skgenre import GroupStackingClassifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y, artists = make_genre_clips(
    ...     24, n_genres=2, duration=3.0, n_artists_per_genre=4, random_state=0, return_groups=True
    ... )
    >>> stack = GroupStackingClassifier(
    ...     [("linear", LogisticRegression()), ("mixture", GaussianMixtureClassifier(1))], cv=4
    ... )
    >>> clf = make_pipeline(
    ...     AudioDescriptorTransformer(features=("mfcc",), duration=3.0), StandardScaler(), stack
    ... )
    >>> clf.fit(X, y, groupstackingclassifier__groups=artists).predict_proba(X).shape
    (24, 2)
    """

    _parameter_constraints: dict = {
        **StackingClassifier._parameter_constraints,
        "cv": ["cv_object"],
        "final_estimator": [HasMethods("fit"), StrOptions({"pool"}), None],
    }

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None, **fit_params):
        """Fit all classifiers, and the final one on what they say of songs held out.

        Parameters
        ----------
        X : array-like
            Songs, as the classifiers take them: a table, a list of paths, bags of segments.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            The artist of each song, say. Classifiers whose own `fit` takes groups get those of
            their songs.
        **fit_params : dict
            ``sample_weight``, for all classifiers, which must support it. With scikit-learn's
            metadata routing, whatever they ask for; groups are then routed too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is one genre, if a fold would have a group on both sides or leave one genre
            only to train on, or if ``"pool"`` would get genres or X.
        """
        self._validate_estimators()
        self._validate_final_estimator()
        X, y, groups = indexable(keep_apart(X), validate_genres(self, y), check_groups(groups))
        self.classes_ = np.unique(y)
        check_several(self)
        # the final classifier answers by genre, and scikit-learn need not decode what it says
        self._label_encoder = FunctionTransformer()
        folds = make_folds(self.cv, X, y, groups)
        models = [*self.estimators, ("final_estimator_", self.final_estimator_)]
        params = share_out(self, models, {"groups": groups, **fit_params})

        stacked = [(name, model) for name, model in self.estimators if model != "drop"]
        self.stack_method_ = [
            self._method_name(name, model, self.stack_method) for name, model in stacked
        ]
        self._check_poolable()
        with Parallel(n_jobs=self.n_jobs, verbose=self.verbose) as workers:
            self.estimators_ = workers(
                delayed(_fit)(clone(model), X, y, params[name]) for name, model in stacked
            )
            answers = workers(
                delayed(fit_and_answer)(clone(model), X, y, params[name], method, *fold)
                for (name, model), method in zip(stacked, self.stack_method_, strict=True)
                for fold in folds
            )
        fitted = dict(zip([name for name, _ in stacked], self.estimators_, strict=True))
        self.named_estimators_ = Bunch(**{name: "drop" for name, _ in self.estimators} | fitted)
        forget_table(self)
        for (name, model), method in zip(fitted.items(), self.stack_method_, strict=True):
            if method != "predict":
                self._check_all_met(name, model.classes_)
            if hasattr(model, "feature_names_in_"):
                self.feature_names_in_ = model.feature_names_in_

        by_model = [answers[i : i + len(folds)] for i in range(0, len(answers), len(folds))]
        predictions = [
            join_answers(of_folds, folds, self.classes_, method)
            for of_folds, method in zip(by_model, self.stack_method_, strict=True)
        ]
        meta = self._concatenate_predictions(X, predictions)
        own_params = params["final_estimator_"]
        if self.final_estimator == "pool":
            is_met = np.all([find_met(of_folds, folds, y) for of_folds in by_model], axis=0)
            own_params = {**own_params, "is_met": is_met}
        self.final_estimator_.fit(meta, y, **own_params)
        return self

    @available_if(_final_has_predict_proba)
    def predict_proba(self, X):
        """Predict the genre probabilities of songs.

        Parameters
        ----------
        X : array-like
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            In the order of ``classes_``.
        """
        check_is_fitted(self)
        return super().predict_proba(X)

    def _transform(self, X):
        check_not_empty(X, "song")
        return super()._transform(X)

    def _concatenate_predictions(self, X, predictions):
        """Lay the answers side by side; genres that were predicted as numbers."""
        answers = [
            self._to_numbers(answer, method)
            for answer, method in zip(predictions, self.stack_method_, strict=True)
        ]
        return super()._concatenate_predictions(X, answers)

    def _to_numbers(self, answer, method):
        if method == "predict":
            return np.searchsorted(self.classes_, answer)
        if method == "decision_function" and self.final_estimator == "pool":
            return expit(answer) if answer.ndim == 1 else softmax(answer, axis=1)
        return answer

    def _validate_final_estimator(self):
        if self.final_estimator == "pool":
            self.final_estimator_ = LogarithmicPool()
        else:
            super()._validate_final_estimator()

    def _check_poolable(self):
        """Refuse to pool what is not said of each genre."""
        predicts = "predict" in self.stack_method_
        if self.final_estimator == "pool" and (predicts or self.passthrough):
            raise ValueError(
                'final_estimator="pool" takes probabilities or decisions alone, got '
                + ("those that answer by predict" if predicts else "passthrough=True")
            )

    def _check_all_met(self, name, classes):
        """Refuse a classifier whose answers lack a genre."""
        missing = np.setdiff1d(self.classes_, classes)
        if len(missing):
            raise ValueError(
                f"{name!r} had no song of {missing.tolist()} to learn from; leave "
                "these genres out, or give them more groups and readable songs"
            )

    def get_metadata_routing(self):
        """Return what this classifier and those in it ask for.

        Returns
        -------
        routing : MetadataRouter
            As `sklearn.utils.metadata_routing` describes.
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        for name, model in self.estimators:
            router.add(
                **{name: model}, method_mapping=MethodMapping().add(caller="fit", callee="fit")
            )
        return router.add(
            final_estimator_=getattr(self, "final_estimator_", self.final_estimator),
            method_mapping=MethodMapping()
            .add(caller="fit", callee="fit")
            .add(caller="predict", callee="predict"),
        )


def _fit(model, X, y, params):
    return model.fit(X, y, **params)
