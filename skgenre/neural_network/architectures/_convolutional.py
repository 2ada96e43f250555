"""Convolutional nets, from an input shape and a number of genres to a Keras model.

The input is a segment as an image, (n_bands, n_frames, 1). Pooling keeps what is left at the edges,
so that segments of any size work, a table's row of shape (n_features, 1, 1) included.
"""

from ._blocks import as_frames, classify


def mel_cnn(input_shape, n_classes, *, filters=(16, 32), dense_units=64, dropout=0.3):
    """Build the convolutional network of the report for mel spectrograms.

    Convolutions, each followed by max-pooling, and a dense layer [1]_.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(16, 32)
        Number of filters of each convolution.
    dense_units : int, default=64
        Size of the dense layer.
    dropout : float, default=0.3
        Dropout rate after the dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled.

    See Also
    --------
    skgenre.neural_network.KerasCNNClassifier : Trains it as ``architecture="mel"``.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import mel_cnn
    >>> mel_cnn((128, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    hidden = segments = Input(input_shape)
    for n_filters in filters:
        hidden = layers.Conv2D(n_filters, 3, padding="same", activation="relu")(hidden)
        hidden = layers.MaxPooling2D(2, padding="same")(hidden)
    hidden = layers.Flatten()(hidden)
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))


def mfcc_cnn(input_shape, n_classes, *, filters=(32, 32, 32), dense_units=64, dropout=0.3):
    """Build the convolutional network of the report for MFCCs.

    Convolutions, each followed by max-pooling and batch normalisation, and a dense layer [1]_.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(32, 32, 32)
        Number of filters of each convolution.
    dense_units : int, default=64
        Size of the dense layer.
    dropout : float, default=0.3
        Dropout rate after the dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled.

    See Also
    --------
    skgenre.neural_network.KerasCNNClassifier : Trains it as ``architecture="mfcc"``.

    References
    ----------
    .. [1] "AI Music Genre Classification", student report, University of Bristol, 2022.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import mfcc_cnn
    >>> mfcc_cnn((13, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    hidden = segments = Input(input_shape)
    for n_filters in filters:
        hidden = layers.Conv2D(n_filters, 3, padding="same", activation="relu")(hidden)
        hidden = layers.MaxPooling2D(3, strides=2, padding="same")(hidden)
        hidden = layers.BatchNormalization()(hidden)
    hidden = layers.Flatten()(hidden)
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))


def spectrogram_cnn(input_shape, n_classes, *, filters=(16, 32, 64), dense_units=64, dropout=0.3):
    """Build a 2-D convolutional network for spectrograms, after Athulya and Sindhu.

    Blocks of a 3 x 3 convolution, max-pooling, batch normalisation and ReLU, then the average of
    each band over time, and a dense layer. The kind of network is that of [1]_. The number of
    blocks, the sizes, the order in a block and the average are ours; without the average, the dense
    layer learns nothing from a few hundred songs.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(16, 32, 64)
        Number of filters of each block.
    dense_units : int, default=64
        Size of the dense layer.
    dropout : float, default=0.3
        Dropout rate after the dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled.

    See Also
    --------
    skgenre.neural_network.KerasCNNClassifier : Trains it as ``architecture="2d"``.

    References
    ----------
    .. [1] Athulya K. M. and Sindhu S., "Deep learning based music genre classification using
       spectrogram", SSRN, 2021.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import spectrogram_cnn
    >>> spectrogram_cnn((128, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    hidden = segments = Input(input_shape)
    for n_filters in filters:
        hidden = layers.Conv2D(n_filters, 3, padding="same", use_bias=False)(hidden)
        hidden = layers.MaxPooling2D(2, padding="same")(hidden)
        hidden = layers.BatchNormalization()(hidden)
        hidden = layers.ReLU()(hidden)
    hidden = layers.AveragePooling2D((1, hidden.shape[2]))(hidden)
    hidden = layers.Flatten()(hidden)
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))


def residual_cnn(input_shape, n_classes, *, filters=(128,), dense_units=128, dropout=0.3):
    """Build a residual network over time, after Zhang, Lei, Xu and Xie.

    Convolutions run over time, with the bands as channels. In each block of three, the output of
    the first is added to that of the third. The remaining frames are pooled by their maximum and
    their mean, which go to two dense layers. The design is that of [1]_; the sizes and the batch
    normalisation are ours.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    filters : sequence of int, default=(128,)
        Number of filters of each block. Max-pooling follows each block.
    dense_units : int, default=128
        Size of each of the two dense layers.
    dropout : float, default=0.3
        Dropout rate after each dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled.

    See Also
    --------
    skgenre.neural_network.KerasCNNClassifier : Trains it as ``architecture="residual"``.

    References
    ----------
    .. [1] W. Zhang, W. Lei, X. Xu and L. Xie, "Improved music genre classification with
       convolutional neural networks", Interspeech, 2016.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import residual_cnn
    >>> residual_cnn((128, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    def convolve(hidden, n_filters):
        hidden = layers.Conv1D(n_filters, 4, padding="same", use_bias=False)(hidden)
        return layers.BatchNormalization()(hidden)

    segments = Input(input_shape)
    hidden = as_frames(segments)
    for n_filters in filters:
        shortcut = layers.ReLU()(convolve(hidden, n_filters))
        hidden = layers.ReLU()(convolve(shortcut, n_filters))
        hidden = layers.Add()([shortcut, convolve(hidden, n_filters)])
        hidden = layers.MaxPooling1D(2, padding="same")(layers.ReLU()(hidden))
    pooled = [layers.GlobalMaxPooling1D()(hidden), layers.GlobalAveragePooling1D()(hidden)]
    hidden = layers.Concatenate()(pooled)
    return Model(segments, classify(hidden, n_classes, [dense_units] * 2, dropout))
