import math
from numbers import Integral, Real

from sklearn.pipeline import Pipeline
from sklearn.utils import check_scalar

from ._steps import RECIPES


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
    """Make a named pipeline, from audio files or waveforms to genres.

    Parameters
    ----------
    name : str
        Which one, of those below.
    sr : float, default=22050
        Sample rate in Hz. Files, and samples that come with a rate of their own, are resampled to
        it; waveforms without one are taken to have it.
    duration : float, default=30.0
        How much is used of each clip, in seconds from its start.
    n_segments : int, default=None
        Cut ``duration`` in this many segments, which are judged one by one and then together. A
        shorter clip has fewer, at least one. ``None`` means ten for the names that the table marks,
        and one for the others: then a shorter clip is repeated to ``duration``.
    random_state : int, RandomState instance or None, default=None
        For all that draws random numbers. An int makes refits identical.
    n_jobs : int, default=None
        How many clips are read at a time.
    cache : path or joblib.Memory, default=None
        Folder to keep the features of files in.
    **params
        Nested parameters of the pipeline, as its ``set_params`` takes them: ``cnn__epochs=20``.

    Returns
    -------
    pipeline : Pipeline
        Unfitted, with ``predict_proba``. Its last step is ``ann``, ``cnn`` or ``rnn`` where it is
        such a net, ``musicnn`` for ``best``, and else has the name of the recipe up to the first
        ``-``.

    Raises
    ------
    ValueError
        If there is no such name or no such parameter, if ``duration`` is not positive and finite,
        or if ``n_segments`` is less than 1, or more for what judges whole clips.

    Notes
    -----
    ==================  ======  =================================================================
    name                ten     what
    ==================  ======  =================================================================
    ann-mel, ann-mfcc           dense net of 512, 256 and 64 units on a mel spectrogram or MFCCs,
    ann-mfcc-10         x       with dropout [1]_
    cnn-mel, cnn-mfcc           the convolutional nets of [1]_ on the same
    cnn-mfcc-10         x
    gmm                         a mixture of Gaussians for each genre on the 30 features of [2]_
    knn                         the five nearest neighbours on the same [2]_
    svm                 x       support vector machine on audio descriptors, after [3]_
    rbm                 x       two restricted Boltzmann machines on audio descriptors and a linear
                                head, after [4]_
    blstm-attention     x       bidirectional recurrent net with attention, after [5]_
    lstm, indrnn        x       recurrent nets, compared in [6]_
    cnn-residual        x       residual net over time, after [7]_
    cnn-2d              x       spectrogram net, after [8]_
    cnn-musicnn         x       ours: a new head on a pretrained net, musicnn [9]_, which comes with
                                the package
    linear                      ours, to compare with: logistic regression on audio descriptors
    lda                         ours: linear discriminants with shrunk covariance on audio
                                descriptors, the 30 features of [2]_ and the range of each mel band
    stack                       ours: ``lda``, logistic regression and extremely randomised trees on
                                the same features, weighed by what they say of songs held out
    musicnn                     ours: logistic regression on the tags of a pretrained net, musicnn
                                [9]_, which comes with the package
    musicnn-both                ours: logistic regression on these tags and on the layers below the
                                tags of both musicnns, the other of which learnt other tags
    wav2vec             x       the fine-tuned Wav2Vec2 of [1]_
    wav2vec-embed       x       ours: logistic regression on the mean and standard deviation over
                                time of the same model, as it is
    unified             x       what [1]_ wished for: ``cnn-mfcc-10``, audio descriptors and what
                                ``musicnn-both`` learns from, each weighed by what it says of songs
                                held out; of other artists, where ``fit`` gets ``unified__groups``
    unified-featurewiz  x       the same, its descriptors and pretrained layers thinned out by
                                FeatureWiz
    metadata                    ours: logistic regression on the same features, the letters of the
                                title and the artist. Takes a DataFrame with the columns ``path``,
                                ``title`` and ``artist``
    best                        what told unheard artists best of those that need no checkpoint:
                                ``musicnn-both``
    ==================  ======  =================================================================

    How sure ``svm``, ``lda``, ``stack``, ``musicnn-both`` and ``best`` may be is learned from songs
    held out: of other artists, where ``fit`` gets ``svm__groups``, ``lda__groups``,
    ``stack__groups`` or ``musicnn__groups``. So they need two songs of a genre at least.

    ``best`` was chosen by accuracy in ten times five folds with artists apart, on 323 songs of
    GTZAN: see the page on models.

    ``wav2vec`` hears ``n_segments`` segments spread over the whole song, not its first ``duration``
    seconds, and keeps no features in ``cache``, since it learns its own. ``metadata`` needs one
    known title at least; ``columns__title="drop"`` does without.

    The names with ``wav2vec`` need a checkpoint, facebook/wav2vec2-xls-r-300m from the Hugging Face
    hub unless another name or a local folder is given: ``wav2vec__checkpoint``, or
    ``embed__checkpoint``. The unified model, for which [1]_ wanted one, takes it as a further
    branch: ``unified__wav2vec=Wav2VecEmbedder(checkpoint=...)``. ``unified__musicnn="drop"`` and
    the like leave out a branch.

    Every other number that a paper leaves open is our choice. The report's nets learn at its rate
    of 1e-4.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.
    .. [2] G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE
       Transactions on Speech and Audio Processing 10(5), 2002.
    .. [3] C. Xu, N. C. Maddage, X. Shao, F. Cao and Q. Tian, "Musical genre classification using
       support vector machines", ICASSP, 2003.
    .. [4] T. Feng, "Deep learning for music genre classification", University of Illinois, 2014.
    .. [5] Y. Yu, S. Luo, S. Liu, H. Qiao, Y. Liu and L. Feng, "Deep attention based music genre
       classification", Neurocomputing 372, 2020.
    .. [6] Q. G. Rafi, M. Noman, S. Z. Prodhan, S. Alam and D. Nandi, "Comparative analysis of three
       improved deep learning architectures for music genre classification", International Journal
       of Information Technology and Computer Science 13(2), 2021.
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
        raise ValueError(f"There is no recipe {name!r}; there are {', '.join(RECIPES)}")
    recipe = RECIPES[name]
    if not isinstance(duration, Real) or not 0 < float(duration) < math.inf:
        raise ValueError(
            f"duration must be a positive number of seconds, got {duration!r}; every recipe takes "
            "the same length of each clip"
        )
    if n_segments is not None:
        check_scalar(n_segments, "n_segments", Integral, min_val=1)
    reading = {"sr": sr, "duration": duration, "n_segments": None, "n_jobs": n_jobs, "cache": cache}
    if recipe.n_segments is None and n_segments not in (None, 1):
        raise ValueError(f"{name!r} judges whole clips, got n_segments={n_segments}")
    n_segments = n_segments or recipe.n_segments or 1
    if n_segments > 1:
        reading["segment_duration"] = duration / n_segments
    return Pipeline(recipe.make_steps(reading, random_state)).set_params(**params)
