import numpy as np
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted

from .._bags import check_several
from .._base import VersionedEstimator, check_not_empty, fit_context, forget_table
from .._fit_parameters import share_out
from ._held_out import find_met, fit_and_answer, join_answers, make_folds, validate_to_split
from ._pool import LogarithmicPool


def _final_has_predict_proba(self):
    final = getattr(self, "final_estimator_", self.final_estimator)
    return isinstance(final, str) or hasattr(final or LogisticRegression(), "predict_proba")


class GroupStackingClassifier(VersionedEstimator, StackingClassifier):
    """Stack classifiers, keeping artists apart when the final one learns from the others.

    As in every stack [1]_, the final classifier learns how far to trust each of the others from
    their predictions for songs that they were not fitted to. With
    `sklearn.ensemble.StackingClassifier`, an artist can be on both sides of a fold, so classifiers
    that memorise artists are trusted too much [2]_. Here, no group is on both sides if you pass
    ``groups`` to `fit`. Everything else works as in scikit-learn.

    Parameters
    ----------
    estimators : list of (str, classifier)
        Names and classifiers. Replace a classifier by ``"drop"`` to leave it out.
    final_estimator : classifier or "pool", default=None
        The classifier that combines the predictions. ``None`` means
        `sklearn.linear_model.LogisticRegression`. ``"pool"`` multiplies the probabilities, raised
        to the power of a weight that it learns for each classifier [3]_. With few songs, it stays
        close to the best single classifier. Decision values stand in for the logarithms of missing
        probabilities, so pooling a single classifier, such as a support vector machine, gives it
        probabilities by temperature scaling [4]_.
    cv : int, cross-validation splitter or iterable of folds, default=None
        Number of folds. ``None`` means 5, or as many as the largest genre has songs if it has
        fewer. The folds come from `sklearn.model_selection.StratifiedGroupKFold` if there are
        groups, at most one fold per group, and else from
        `sklearn.model_selection.StratifiedKFold`. A splitter also receives the groups.
    stack_method : {"auto", "predict_proba", "decision_function", "predict"}, default="auto"
        Method to call on each classifier. ``"auto"`` uses the first of these that it has.
    n_jobs : int, default=None
        Number of fits to run in parallel, in processes unless `joblib.parallel_config` names
        another backend. Networks need processes.
    passthrough : bool, default=False
        Pass X to the final classifier as well. Only for tables.
    verbose : int, default=0
        Verbosity of `joblib.Parallel`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    estimators_ : list of classifier
        The classifiers, fitted to all songs.
    named_estimators_ : Bunch
        The same classifiers by name.
    final_estimator_ : classifier
        The final classifier. With ``"pool"``, its ``weights_`` are those of the classifiers.
    stack_method_ : list of str
        The method called on each classifier.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.
    feature_names_in_ : ndarray of str of shape (n_features,)
        Names of the columns, if X was a DataFrame.

    See Also
    --------
    sklearn.ensemble.StackingClassifier : Stacking without groups.
    sklearn.model_selection.StratifiedGroupKFold : Folds that keep groups apart.
    UnifiedGenreClassifier : Also combines transformers, such as pretrained models.

    Notes
    -----
    All classifiers see the genres as you pass them to `fit`, so use them as the keys of
    ``class_weight``. A classifier that takes integers only, such as XGBoost's, needs integer genres
    starting at 0.

    If all songs of a genre are by one group, the classifiers have not seen the genre when they
    predict those songs, and give it the probability 0. ``"pool"`` ignores these songs. Other final
    classifiers may learn never to predict such a genre, so give each genre several groups.

    In a `Pipeline`, pass ``groupstackingclassifier__groups=groups``. With scikit-learn's metadata
    routing, request groups with ``set_fit_request(groups=True)``.

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
        """Fit all classifiers, and the final one to their predictions for held-out songs.

        Parameters
        ----------
        X : array-like of shape (n_songs, ...)
            Songs in the form that the classifiers take: a table, a list of paths, bags of segments.
        y : array-like of shape (n_songs,)
            The genre of each song.
        groups : array-like of shape (n_songs,), default=None
            Group of each song, such as its artist. Also passed to classifiers whose own `fit` takes
            groups.
        **fit_params : dict
            ``sample_weight`` is passed to all classifiers, which must support it. With
            scikit-learn's metadata routing, anything that they request; groups are then routed,
            too.

        Returns
        -------
        self : object
            The fitted classifier.

        Raises
        ------
        ValueError
            If there is only one genre, a fold has a group on both sides or only one genre to train
            on, or ``"pool"`` is used with ``passthrough`` or with classifiers that only
            ``predict``.
        """
        self._validate_estimators()
        self._validate_final_estimator()
        X, y, groups = validate_to_split(self, X, y, groups)
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
        X : array-like of shape (n_songs, ...)
            Songs, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_songs, n_classes)
            The probabilities, in the order of ``classes_``.
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
                'final_estimator="pool" needs classifiers with predict_proba or decision_function, '
                + ("got one with predict only" if predicts else "and no passthrough=True")
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
        """Return the metadata routing of this classifier and those in it.

        Returns
        -------
        routing : MetadataRouter
            The routing, as `sklearn.utils.metadata_routing` describes it.
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
