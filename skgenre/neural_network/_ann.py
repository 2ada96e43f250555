from sklearn.utils._param_validation import StrOptions

from ._architectures import dense_net
from ._base import BaseKerasClassifier


class KerasANNClassifier(BaseKerasClassifier):
    """Classify songs by a net of dense layers on their segments.

    Each segment is flattened. Each song weighs the same in training, however many segments it has,
    and is judged by the mean of its segments' probabilities.

    Needs the extra ``keras``: ``pip install "skgenre[keras]"``.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256, 64)
        Size of each dense layer; the default is the report's.
    architecture : {"dense"} or callable, default="dense"
        ``"dense"`` is the net of ``hidden_layer_sizes``, with dropout after each layer. A callable
        takes ``(input_shape, n_classes, **architecture_params)``, where ``input_shape`` is
        ``(n_bands, n_frames, 1)``, and returns an uncompiled Keras model
        that ends in a softmax. To pickle the classifier, define it in a module.
    architecture_params : dict, default=None
        Keyword arguments of a callable architecture.
    epochs : int, default=50
        Passes over the training songs.
    batch_size : int, default=32
        Segments per step of training, at most, and of prediction.
    learning_rate : float, default=1e-4
        Learning rate of Adam.
    dropout : float, default=0.3
        Share of each layer's outputs dropped in training.
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
    class_weight : {"balanced"}, dict of label to float, or None, default=None
        Weight of each genre in the loss.
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
        ``"val_accuracy"`` where songs are held out.
    input_shape_ : tuple of int
        Number of bands and frames of a segment.
    model_ : keras.Model
        The trained net.
    n_features_in_ : int
        Number of columns, where X is a table.

    See Also
    --------
    KerasCNNClassifier : A convolutional net.
    sklearn.neural_network.MLPClassifier : A dense net without dropout, for tables.

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
        learning_rate=1e-4,
        dropout=0.3,
        aggregate="mean",
        validation_fraction=None,
        early_stopping=False,
        patience=10,
        class_weight=None,
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
        self.dropout = dropout
        self.aggregate = aggregate
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.class_weight = class_weight
        self.callbacks = callbacks
        self.random_state = random_state
        self.verbose = verbose

    def _architecture_defaults(self):
        return {**super()._architecture_defaults(), "hidden_layer_sizes": self.hidden_layer_sizes}
