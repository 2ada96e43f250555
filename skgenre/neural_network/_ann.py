from sklearn.utils._param_validation import StrOptions

from ._base import BaseKerasClassifier
from .architectures import dense_net


class KerasANNClassifier(BaseKerasClassifier):
    """Classify songs with a dense neural network on their segments.

    Each segment is flattened. All songs have equal weight in training, however many segments they
    have, and a song gets the mean of its segments' probabilities. Needs the extra ``keras``: ``pip
    install "skgenre[keras]"``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256, 64)
        Size of each dense layer.
    architecture : {"dense"} or callable, default="dense"
        ``"dense"`` has the layers of ``hidden_layer_sizes``, with dropout after each.
        A callable takes ``(input_shape, n_classes, **architecture_params)``, where ``input_shape``
        is ``(n_bands, n_frames, 1)``, and returns an uncompiled Keras model that ends in a softmax.
        Define it in a module, so that the classifier can be pickled.
    architecture_params : dict, default=None
        Keyword arguments for a callable architecture.
    epochs : int, default=50
        Number of passes over the training songs.
    batch_size : int, default=32
        Maximum number of segments per step of training or prediction.
    learning_rate : float, default=1e-3
        Learning rate of the Adam optimizer.
    learning_rate_schedule : {"constant", "cosine", "plateau"}, default="constant"
        ``"cosine"`` lowers the learning rate to zero along half a cosine. ``"plateau"`` halves it
        when the validation loss, or else the training loss, has not improved for half of
        ``patience`` epochs.
    dropout : float, default=0.3
        Dropout rate after each dense layer.
    aggregate : {"mean", "product", "vote"}, default="mean"
        How the probabilities of a song's segments are combined: their mean, their normalised
        geometric mean, or the share of segments that each genre wins.
    validation_fraction : float, default=None
        Fraction of songs to hold out for measuring loss and accuracy after each epoch, stratified
        by genre. With ``groups``, whole groups are held out, as close to the fraction as possible.
        ``None`` means 0.1 with ``early_stopping`` and no validation without it.
    early_stopping : bool, default=False
        Stop when the validation loss has not improved for ``patience`` epochs, and restore the
        weights of the best epoch.
    patience : int, default=10
        Number of epochs to wait for an improvement.
    time_mask, frequency_mask : float, default=0.0
        SpecAugment [1]_: in each step, replace a stretch of up to this fraction of each segment's
        frames or bands by the mean of the band.
    gain : float, default=0.0
        Standard deviation of a random offset added to each segment in each step, in the units of X.
        On log spectrograms, an offset is a change of level.
    mixup : float, default=0.0
        Blend pairs of segments and their genres [2]_. The shares are drawn from a symmetric beta
        distribution with this parameter, such as 0.2.
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss. ``"balanced"`` lets rare genres count as much as others.
    warm_start : bool, default=False
        Continue from the network of the previous fit, with a new optimizer. Needs the same genres.
    precision : {"float32", "bfloat16", "float16"}, default="float32"
        Precision of the computations. Weights and probabilities are float32 in any case. Half
        precision is faster only on hardware that supports it.
    callbacks : list of keras.callbacks.Callback, default=None
        Additional callbacks for training. Each fit uses copies.
    random_state : int, RandomState instance or None, default=None
        Seed for weights, shuffling, dropout and held-out songs. Pass an int for reproducible fits.
    verbose : int, default=0
        If above 0, show a progress bar.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The genres.
    class_prior_ : ndarray of shape (n_classes,)
        Share of each genre among the readable training songs, which is also the prediction for
        songs that could not be read.
    history_ : dict of list of float
        ``"loss"``, ``"accuracy"`` and ``"seconds"`` of each epoch, ``"val_loss"`` and
        ``"val_accuracy"`` if songs are held out, and with ``learning_rate_schedule="plateau"``,
        ``"learning_rate"``.
    input_shape_ : tuple of int
        Number of bands and frames of a segment.
    model_ : keras.Model
        The trained network.
    n_features_in_ : int
        Number of columns seen in `fit`, if X was a table.

    See Also
    --------
    KerasCNNClassifier : A convolutional network.
    sklearn.neural_network.MLPClassifier : A dense network without dropout, for tables.

    Notes
    -----
    Scale the features first, with `SpectrogramScaler`. Takes a table (n_songs, n_features),
    spectrograms (n_songs, n_bands, n_frames), bags of segments (n_songs, n_segments, n_bands,
    n_frames), or a list of bags of different sizes. The momentum of batch normalisation is adapted
    to the number of training steps, because Keras' default fails silently on a few hundred songs.

    References
    ----------
    .. [1] D. S. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
       recognition", Interspeech 2019.
    .. [2] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.

    Examples
    --------
    >>> from skgenre import KerasANNClassifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = KerasANNClassifier(
    ...     hidden_layer_sizes=(16,), epochs=20, learning_rate=1e-2, random_state=0
    ... )
    >>> clf.fit(X, y).score(X, y) > 0.9
    True
    """

    _architectures = {"dense": dense_net}

    _parameter_constraints: dict = {
        **BaseKerasClassifier._parameter_constraints,
        "hidden_layer_sizes": [list, tuple],
        "architecture": [StrOptions({"dense"}), callable],
    }

    def __init__(
        self,
        hidden_layer_sizes=(512, 256, 64),
        *,
        architecture="dense",
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
        self.hidden_layer_sizes = hidden_layer_sizes
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

    def _architecture_defaults(self):
        return {**super()._architecture_defaults(), "hidden_layer_sizes": self.hidden_layer_sizes}
