from sklearn.utils._param_validation import StrOptions

from ._base import BaseKerasClassifier
from .architectures import mel_cnn, mfcc_cnn, musicnn, residual_cnn, spectrogram_cnn
from .architectures._musicnn import set_frozen


class KerasCNNClassifier(BaseKerasClassifier):
    """Classify songs by a convolutional net on their segments.

    The net sees each segment as an image of bands by frames. Each song weighs the same in training,
    however many segments it has, and is judged by the mean of its segments' probabilities.

    Needs the extra ``keras``: ``pip install "skgenre[keras]"``.

    Parameters
    ----------
    architecture : {"mfcc", "mel", "2d", "residual", "musicnn"} or callable, default="mfcc"
        ``"mfcc"`` is the report's net for MFCCs: three convolutions of 32 filters, each max-pooled
        and batch-normalised, a dense layer of 64, dropout and softmax. ``"mel"`` is its net for mel
        spectrograms: two convolutions of 16 and 32 filters, each max-pooled, and the same head.
        ``"2d"``, after [1]_, is a net for spectrograms: three convolutions of 16, 32 and 64
        filters, each batch-normalised and max-pooled, and the same head. ``"residual"``, after
        [2]_, convolves over time only, with the bands as channels: a block of three convolutions of
        128 filters with a shortcut, pooling over all frames by maximum and by average, and two
        dense layers of 128. ``"musicnn"`` is a net that was trained to tag music [5]_, with a new
        head: see the notes. A callable takes ``(input_shape, n_classes, **architecture_params)``,
        where ``input_shape`` is ``(n_bands, n_frames, 1)``, and returns an uncompiled Keras model
        that ends in a softmax. To pickle the classifier, define it in a module.
    architecture_params : dict, default=None
        Keyword arguments of the architecture. ``"musicnn"`` takes ``freeze_base``, True by default,
        and ``dense_units``, the sizes of further dense layers before the last one, none by default;
        the other named ones take ``filters``, one number for each convolution or block, and
        ``dense_units``.
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
        Share of each dense layer's outputs, and of musicnn's, dropped in training.
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
        Augmentation by SpecAugment [3]_: in each step, hide a stretch of up to this share of each
        segment's frames or bands, by the mean of the band.
    gain : float, default=0.0
        Augmentation by level: standard deviation of what is added to each segment in each step, in
        the units of X. For log spectrograms, where it is a gain.
    mixup : float, default=0.0
        Augmentation by blends of two segments and their genres [4]_: parameter of the beta
        distribution that draws their shares. 0.2 is usual.
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss.
    warm_start : bool, default=False
        Go on with the net of the fit before, with a new optimizer. It needs the same genres. Of
        ``architecture_params``, only ``freeze_base`` then counts.
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
    KerasRNNClassifier : A recurrent net.
    SegmentVotingClassifier : The same voting for any scikit-learn classifier.

    Notes
    -----
    Scale the features before the net; `SpectrogramScaler` does. Batch normalisation, in the
    built-in nets and in yours, gets a momentum that suits the number of training steps, since
    Keras' default fails without notice on a few hundred songs.

    ``architecture="musicnn"`` starts from the weights that come with the package. It hears decibels
    of 96 bands as they are, without a scaler, in segments of any length; it was trained on 3 s::

        MelSpectrogramTransformer(
            sr=16000, n_fft=512, hop_length=256, n_mels=96, top_db=None, segment_duration=3.0
        )

    With ``freeze_base=True`` only the head learns, and what musicnn gives for a segment is computed
    once, unless there is augmentation or a callback: each epoch is then many times faster. With
    ``freeze_base=False`` all of it learns but batch normalisation. That needs a small learning
    rate, 1e-4 say, and is best done after the head has learned: fit once, then again with
    ``warm_start=True``. The weights are by Jordi Pons and the Music Technology Group of the
    Universitat Pompeu Fabra, under the ISC licence. As with every pretrained net, songs that you
    test on may be among those that it was trained on.

    References
    ----------
    .. [1] Athulya K. M. and Sindhu S., "Deep learning based music genre classification using
       spectrogram", SSRN, 2021.
    .. [2] W. Zhang, W. Lei, X. Xu and L. Xie, "Improved music genre classification with
       convolutional neural networks", Interspeech, 2016.
    .. [3] D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
       recognition", Interspeech, 2019.
    .. [4] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR, 2018.
    .. [5] J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music audio
       tagging", ISMIR 2019, late-breaking demo.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from skgenre import KerasCNNClassifier, MFCCSegmenter, SpectrogramScaler
    >>> from skgenre.datasets import make_genre_clips
    >>> X, y = make_genre_clips(12, n_genres=2, duration=3.0, random_state=0)
    >>> clf = make_pipeline(
    ...     MFCCSegmenter(duration=3.0, n_segments=3),
    ...     SpectrogramScaler(),
    ...     KerasCNNClassifier(epochs=8, learning_rate=1e-3, random_state=0),
    ... )
    >>> clf.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    _architectures = {
        "mfcc": mfcc_cnn,
        "mel": mel_cnn,
        "2d": spectrogram_cnn,
        "residual": residual_cnn,
        "musicnn": musicnn,
    }

    _parameter_constraints: dict = {
        **BaseKerasClassifier._parameter_constraints,
        "architecture": [StrOptions(set(_architectures)), callable],
    }

    def __init__(
        self,
        *,
        architecture="mfcc",
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

    def _train(self, songs, held_out, seed):
        if self._goes_on() and self._builder_.func is musicnn:
            is_frozen = (self.architecture_params or {}).get("freeze_base", True)
            set_frozen(self.model_, is_frozen)
        super()._train(songs, held_out, seed)
