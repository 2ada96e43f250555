"""Dense nets, from an input shape and a number of genres to a Keras model."""

from ._blocks import classify


def dense_net(input_shape, n_classes, *, hidden_layer_sizes=(512, 256, 64), dropout=0.3):
    """Build the report's dense net.

    Parameters
    ----------
    input_shape : tuple of int
        (n_bands, n_frames, 1); flattened.
    n_classes : int
        Number of genres.
    hidden_layer_sizes : sequence of int, default=(512, 256, 64)
        Size of each dense layer.
    dropout : float, default=0.3
        Share of each layer's outputs dropped in training.

    Returns
    -------
    model : keras.Model
        Uncompiled.
    """
    from keras import Input, Model, layers

    segments = Input(input_shape)
    hidden = layers.Flatten()(segments)
    return Model(segments, classify(hidden, n_classes, hidden_layer_sizes, dropout))
