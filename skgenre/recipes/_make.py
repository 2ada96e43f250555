import math
from bisect import bisect_left
from numbers import Integral, Real

from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar

from ..feature_extraction import (
    AudioDescriptorTransformer,
    MelSpectrogramTransformer,
    MFCCSegmenter,
)
from ._steps import RECIPES

_FEATURES = (AudioDescriptorTransformer, MelSpectrogramTransformer, MFCCSegmenter)
# What no feature needs more samples than.
_LONGEST = 1_000_000


def make_genre_classifier(
    name,
    *,
    sr=22050,
    duration=30.0,
    n_segments=None,
    random_state=None,
    n_jobs=None,
    cache=None,
    **params,
):
    """Create a named pipeline from audio files or waveforms to genres.

    The names are those of the table below: models from the literature and our own. Start with
    ``"best"``. See :doc:`/guide/models` for how accurate each is.

    Parameters
    ----------
    name : str
        Name of the model, from the table in the notes.
    sr : float, default=22050
        Sample rate in Hz at which features are computed. Files, and samples with a rate of their
        own, are resampled to it. Waveforms without a rate are assumed to have it.
    duration : float, default=30.0
        How much of each clip to use, in seconds from its start.
    n_segments : int, default=None
        Number of segments to cut ``duration`` into. Segments are classified separately and their
        probabilities averaged. A shorter clip has fewer segments, but at least one. ``None`` means
        the number in the table. With a single segment, shorter clips are repeated to ``duration``.
    random_state : int, RandomState instance or None, default=None
        Seed for all random choices. Pass an int for reproducible fits.
    n_jobs : int, default=None
        Number of clips to process in parallel.
    cache : path or joblib.Memory, default=None
        Folder to store the features of files in. See :doc:`/guide/extraction`.
    **params : dict
        Parameters of steps, as in ``set_params``, such as ``cnn__epochs=20``.

    Returns
    -------
    pipeline : Pipeline
        The pipeline, not fitted. It has ``predict_proba``. Its last step is named ``ann``, ``cnn``
        or ``rnn`` for such networks, ``musicnn`` for ``best``, and otherwise like the model up to
        the first ``-``.

    Raises
    ------
    ValueError
        If the name or a parameter does not exist, ``sr`` or ``duration`` is not positive and
        finite, segments of ``duration`` are too short for the features, or ``n_segments`` is less
        than 1, or more than 1 for a model without segments.

    See Also
    --------
    UnifiedGenreClassifier : Combines networks, pretrained models and descriptors of your choice.
    skgenre.model_selection.compare_classifiers : Compares such pipelines.

    Notes
    -----
    ==================  ========  ===============================================================
    name                segments  model
    ==================  ========  ===============================================================
    best                          the most accurate on new artists without a download: the same as
                                  ``musicnn-both``
    musicnn                       logistic regression on the tags of the pretrained musicnn [9]_
    musicnn-both                  logistic regression on tags and layers of both included musicnns
    large                         small dense network on tags and a layer of musicnn, for more songs
                                  than fit into memory
    cnn-musicnn         10        musicnn with a new head, fine-tuned
    linear                        logistic regression on audio descriptors, as a baseline
    lda                           linear discriminant analysis with shrinkage on audio descriptors,
                                  the features of [2]_ and the range of each mel band
    stack                         ``lda``, logistic regression and extremely randomised trees on the
                                  same features, stacked
    metadata                      logistic regression on the same features, the characters of the
                                  title, and the artist; takes a DataFrame with the columns
                                  ``path``, ``title`` and ``artist``
    unified             10        the unified model that [1]_ proposes: ``cnn-mfcc-10``, descriptors
                                  and the features of ``musicnn-both``, stacked
    unified-featurewiz  10        ``unified`` with columns selected by FeatureWiz
    wav2vec             6         fine-tuned Wav2Vec2 [1]_
    wav2vec-embed       6         logistic regression on the mean and standard deviation of a layer
                                  of Wav2Vec2
    ann-mel, ann-mfcc   1         dense network of 512, 256 and 64 units with dropout [1]_
    ann-mfcc-10         10
    cnn-mel, cnn-mfcc   1         convolutional networks of [1]_
    cnn-mfcc-10         10
    gmm                           Gaussian mixture models on the 30 features of [2]_
    knn                           five nearest neighbours on the same features [2]_
    svm                 10        support vector machine on audio descriptors, after [3]_
    rbm                 10        two restricted Boltzmann machines on audio descriptors, after [4]_
    blstm-attention     10        bidirectional recurrent network with attention, after [5]_
    lstm, indrnn        10        recurrent networks, compared in [6]_
    cnn-residual        10        residual network over time, after [7]_
    cnn-2d              10        2-D convolutional network, after [8]_
    ==================  ========  ===============================================================

    ``svm``, ``lda``, ``stack``, ``unified``, ``musicnn-both`` and ``best`` learn from held-out
    songs, so they need at least two songs of a genre. Pass the artists to hold out songs by artist:
    ``fit(X, y, musicnn__groups=artists)`` with the name of the last step.

    ``large`` learns the same from songs and from a store of their features: ``corpus =
    extract_corpus(clf["embed"], paths, "embed.zarr")``, then ``clf[1:].fit(corpus.features, y)``.
    After either, ``clf.predict`` takes songs.

    The ``wav2vec`` models download facebook/wav2vec2-xls-r-300m from the Hugging Face hub, unless
    you set ``wav2vec__checkpoint`` or ``embed__checkpoint``. ``wav2vec`` spreads its segments over
    the whole song and does not use ``cache``. ``metadata`` needs at least one known title, or
    ``columns__title="drop"``. Add branches to ``unified`` with
    ``unified__wav2vec=Wav2VecEmbedder()``, and remove them with ``unified__musicnn="drop"``.

    Settings that a paper does not give are ours.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.
    .. [2] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [3] C. Xu, N. C. Maddage, X. Shao, F. Cao and Q. Tian, "Musical genre classification using
       support vector machines", ICASSP, 2003.
    .. [4] T. Feng, "Deep learning for music genre classification", University of Illinois, 2014.
    .. [5] Y. Yu et al., "Deep attention based music genre classification", Neurocomputing, 2020.
    .. [6] Q. G. Rafi et al., "Comparative analysis of three improved deep learning architectures
       for music genre classification", IJITCS 13(2), 2021.
    .. [7] W. Zhang, W. Lei, X. Xu and L. Xie, "Improved music genre classification with
       convolutional neural networks", Interspeech, 2016.
    .. [8] Athulya K. M. and Sindhu S., "Deep learning based music genre classification using
       spectrogram", SSRN, 2021.
    .. [9] J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio
       tagging", ISMIR 2019, late-breaking demo.

    Examples
    --------
    >>> from skgenre import make_genre_classifier
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(24, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_genre_classifier("lda", duration=3.0, n_jobs=2).fit(X, y)
    >>> clf.predict_proba(X[:1]).shape
    (1, 2)
    """
    if name not in RECIPES:
        raise ValueError(f"There is no recipe {name!r}; choose from {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if not _is_positive(sr):
        raise ValueError(f"sr must be a positive number of hertz, got {sr!r}")
    if not _is_positive(duration):
        raise ValueError(
            f"duration must be a positive number of seconds, got {duration!r}; it is the same for "
            "all clips"
        )
    if n_segments is not None:
        check_scalar(n_segments, "n_segments", Integral, min_val=1)
    reading = {"sr": sr, "duration": duration, "n_segments": None, "n_jobs": n_jobs, "cache": cache}
    if recipe.n_segments is None and n_segments not in (None, 1):
        raise ValueError(f"{name!r} takes whole clips; leave n_segments={n_segments} out")
    n_segments = n_segments or recipe.n_segments or 1
    if n_segments > 1:
        reading["segment_duration"] = duration / n_segments
    pipeline = Pipeline(recipe.make_steps(reading, random_state))
    if not params:  # by which clips may be cut otherwise
        _check_length(name, pipeline, duration, n_segments)
    return pipeline.set_params(**params)


def _is_positive(value):
    return isinstance(value, Real) and 0 < float(value) < math.inf


def _check_length(name, pipeline, duration, n_segments):
    """Refuse segments that are too short for the features of a recipe."""
    for step in pipeline.get_params().values():
        if not isinstance(step, _FEATURES):
            continue
        if not step._is_long_enough(step._segment_samples()):
            shortest = bisect_left(range(_LONGEST), True, key=step._is_long_enough) / step.sr
            is_cut = step.segment_duration is not None
            seconds = math.ceil(10 * shortest * (n_segments if is_cut else 1)) / 10
            to_cut = f" to cut it into {n_segments} segments" if is_cut else ""
            raise ValueError(
                f"{name!r} needs at least {seconds:g} seconds of each clip{to_cut}; got "
                f"duration={duration:g}"
            )
