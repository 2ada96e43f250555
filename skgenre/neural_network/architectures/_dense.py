"""Dense nets, from an input shape and a number of genres to a Keras model."""

from ._blocks import classify


def dense_net(input_shape, n_classes, *, hidden_layer_sizes=(512, 256, 64), dropout=0.3):
    """Build the dense network of the report.

    The segment is flattened. Dense layers follow, each with dropout [1]_.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    hidden_layer_sizes : sequence of int, default=(512, 256, 64)
        Size of each dense layer.
    dropout : float, default=0.3
        Dropout rate after each dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled.

    See Also
    --------
    skgenre.neural_network.KerasANNClassifier : Trains it.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import dense_net
    >>> dense_net((13, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    segments = Input(input_shape)
    hidden = layers.Flatten()(segments)
    return Model(segments, classify(hidden, n_classes, hidden_layer_sizes, dropout))
