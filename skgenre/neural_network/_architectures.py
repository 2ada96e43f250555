"""Nets as plain functions, from an input shape and a number of genres to a Keras model.

The input is a segment as an image, (n_bands, n_frames, 1). Pooling keeps what is left at the edges,
so that segments of any size work, a table's row of shape (n_features, 1, 1) included.
"""


def mel_cnn(input_shape, n_classes, *, filters=(16, 32), dense_units=64, dropout=0.3):
    """Build the report's net for mel spectrograms.

    Parameters
    ----------
    input_shape : tuple of int
        (n_bands, n_frames, 1).
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(16, 32)
        Filters of each convolution; each is followed by max-pooling.
    dense_units : int, default=64
        Size of the dense layer.
    dropout : float, default=0.3
        Share of the dense layer's outputs dropped in training.

    Returns
    -------
    model : keras.Model
        Uncompiled.
    """
    from keras import Input, Sequential, layers

    model = Sequential([Input(input_shape)])
    for n_filters in filters:
        model.add(layers.Conv2D(n_filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2, padding="same"))
    return _add_head(model, n_classes, dense_units, dropout)


def mfcc_cnn(input_shape, n_classes, *, filters=(32, 32, 32), dense_units=64, dropout=0.3):
    """Build the report's net for MFCCs.

    Parameters
    ----------
    input_shape : tuple of int
        (n_bands, n_frames, 1).
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(32, 32, 32)
        Filters of each convolution; each is followed by max-pooling and batch normalisation.
    dense_units : int, default=64
        Size of the dense layer.
    dropout : float, default=0.3
        Share of the dense layer's outputs dropped in training.

    Returns
    -------
    model : keras.Model
        Uncompiled.
    """
    from keras import Input, Sequential, layers

    model = Sequential([Input(input_shape)])
    for n_filters in filters:
        model.add(layers.Conv2D(n_filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(3, strides=2, padding="same"))
        model.add(layers.BatchNormalization())
    return _add_head(model, n_classes, dense_units, dropout)


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
    from keras import Input, Sequential, layers

    model = Sequential([Input(input_shape), layers.Flatten()])
    for size in hidden_layer_sizes:
        model.add(layers.Dense(size, activation="relu"))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(n_classes, activation="softmax"))
    return model


def _add_head(model, n_classes, dense_units, dropout):
    from keras import layers

    model.add(layers.Flatten())
    model.add(layers.Dense(dense_units, activation="relu"))
    model.add(layers.Dropout(dropout))
    model.add(layers.Dense(n_classes, activation="softmax"))
    return model
