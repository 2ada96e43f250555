from sklearn.utils._param_validation import StrOptions

from ._base import BaseKerasClassifier
from .architectures import blstm_attention, indrnn, lstm


class KerasRNNClassifier(BaseKerasClassifier):
    """Classify songs by a recurrent net on their segments.

    The net reads each segment frame by frame. Each song weighs the same in training, however many
    segments it has, and is judged by the mean of its segments' probabilities.

    Needs the extra ``keras``: ``pip install "skgenre[keras]"``.

    Parameters
    ----------
    architecture : {"lstm", "indrnn", "blstm-attention"} or callable, default="lstm"
        ``"lstm"`` is two layers of long short-term memory of 64 units. ``"indrnn"`` is three
        independently recurrent layers of 128 units [2]_, each batch-normalised; see [1]_ for both
        kinds. ``"blstm-attention"``, after [3]_, is a bidirectional layer of long short-term memory
        of 64 units each way, and the mean of its frames weighted by attention. A dense layer of 64,
        dropout and softmax follow. A callable takes ``(input_shape, n_classes,
        **architecture_params)``, where ``input_shape`` is ``(n_bands, n_frames, 1)``, and returns
        an uncompiled Keras model that ends in a softmax. To pickle the classifier, define it in a
        module.
    architecture_params : dict, default=None
        Keyword arguments of the architecture. The named ones take ``units``, one number for each
        recurrent layer, and ``dense_units``.
    epochs : int, default=50
        Passes over the training songs.
    batch_size : int, default=32
        Segments per step of training, at most, and of prediction.
    learning_rate : float, default=1e-3
        Learning rate of Adam.
    learning_rate_schedule : {"constant", "cosine", "plateau"}, default="constant"
        ``"cosine"`` lowers the learning rate to zero over all epochs, along half a cosine.
        ``"plateau"`` halves it when the validation loss, or the training loss where no songs are
        held out, has not improved for half of ``patience`` epochs.
    dropout : float, default=0.3
        Share of each dense layer's outputs dropped in training.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments become the song's: their mean, their normalised
        geometric mean, or the share of segments that each genre wins.
    validation_fraction : float, default=None
        Share of songs held out to measure loss and accuracy after each epoch, stratified by genre,
        and by whole groups where `fit` gets ``groups``: then it is the nearest share that they
        allow, and a genre of a single group stays in training. ``None`` holds none out unless
        ``early_stopping`` is set, and then 0.1.
    early_stopping : bool, default=False
        Stop when the validation loss has not improved for ``patience`` epochs, and take the
        weights of the best one.
    patience : int, default=10
        See ``early_stopping``.
    time_mask, frequency_mask : float, default=0.0
        Augmentation by SpecAugment [4]_: in each step, hide a stretch of up to this share of each
        segment's frames or bands, by the mean of the band.
    gain : float, default=0.0
        Augmentation by level: standard deviation of what is added to each segment in each step, in
        the units of X. For log spectrograms, where it is a gain.
    mixup : float, default=0.0
        Augmentation by blends of two segments and their genres [5]_: parameter of the beta
        distribution that draws their shares. 0.2 is usual.
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss.
    warm_start : bool, default=False
        Go on with the net of the fit before, with a new optimizer. It needs the same genres.
    precision : {"float32", "bfloat16", "float16"}, default="float32"
        What the net computes in; weights and probabilities are float32 in any case. The others are
        faster on hardware that has them, and slower elsewhere.
    callbacks : list of keras.callbacks.Callback, default=None
        Further callbacks of the training. Each fit uses copies.
    random_state : int, RandomState instance or None, default=None
        Seeds weights, shuffling, dropout and the songs held out. An int makes refits identical.
    verbose : int, default=0
        Show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the readable training songs; the answer for unreadable ones.
    history_ : dict of list of float
        ``"loss"`` and ``"accuracy"`` of the segments in each epoch, and ``"val_loss"`` and
        ``"val_accuracy"`` where songs are held out; the ``"seconds"`` that it took; with
        ``learning_rate_schedule="plateau"`` its ``"learning_rate"``.
    input_shape_ : tuple of int
        Number of bands and frames of a segment.
    model_ : keras.Model
        The trained net.
    n_features_in_ : int
        Number of columns, where X is a table.

    See Also
    --------
    KerasANNClassifier : A net of dense layers.
    KerasCNNClassifier : A convolutional net.
    SegmentVotingClassifier : The same voting for any scikit-learn classifier.

    Notes
    -----
    Scale the features before the net; `SpectrogramScaler` does. Batch normalisation, in the
    built-in nets and in yours, gets a momentum that suits the number of training steps, since
    Keras' default fails without notice on a few hundred songs.

    References
    ----------
    .. [1] Q. G. Rafi, M. Noman, S. Z. Prodhan, S. Alam and D. Nandi, "Comparative analysis of
       three improved deep learning architectures for music genre classification", International
       Journal of Information Technology and Computer Science 13(2), 2021.
    .. [2] S. Li, W. Li, C. Cook, C. Zhu and Y. Gao, "Independently recurrent neural network
       (IndRNN): building a longer and deeper RNN", CVPR, 2018.
    .. [3] Y. Yu, S. Luo, S. Liu, H. Qiao, Y. Liu and L. Feng, "Deep attention based music genre
       classification", Neurocomputing 372, 2020.
    .. [4] D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
       recognition", Interspeech, 2019.
    .. [5] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR, 2018.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import KerasRNNClassifier, MFCCSegmenter, SpectrogramScaler
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(12, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_pipeline(
    ...     MFCCSegmenter(duration=3.0, n_segments=3),
    ...     SpectrogramScaler(),
    ...     KerasRNNClassifier(epochs=8, learning_rate=1e-3, random_state=0),
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    _architectures = {"lstm": lstm, "indrnn": indrnn, "blstm-attention": blstm_attention}

    _parameter_constraints: dict = {
        **BaseKerasClassifier._parameter_constraints,
        "architecture": [StrOptions(set(_architectures)), callable],
    }

    def __init__(
        self,
        *,
        architecture="lstm",
        architecture_params=None,
        epochs=50,
        batch_size=32,
        learning_rate=1e-3,
        learning_rate_schedule="constant",
        dropout=0.3,
        aggregate="mean",
        validation_fraction=None,
        early_stopping=False,
        patience=10,
        time_mask=0.0,
        frequency_mask=0.0,
        gain=0.0,
        mixup=0.0,
        class_weight=None,
        warm_start=False,
        precision="float32",
        callbacks=None,
        random_state=None,
        verbose=0,
    ):
        self.architecture = architecture
        self.architecture_params = architecture_params
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.dropout = dropout
        self.aggregate = aggregate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.time_mask = time_mask
        self.frequency_mask = frequency_mask
        self.gain = gain
        self.mixup = mixup
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.precision = precision
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose
