"""Recurrent nets, from an input shape and a number of genres to a Keras model.

The input is a segment as an image, (n_bands, n_frames, 1). It is read frame by frame, so that a
table's row of shape (n_features, 1, 1) is a sequence of one frame.
"""

from ._blocks import as_frames, classify


def lstm(input_shape, n_classes, *, units=(64, 64), dense_units=64, dropout=0.3):
    """Build a network of stacked long short-term memory layers.

    The last state of the last layer goes to a dense layer. [1]_ compares such networks on genres;
    the number and the sizes of the layers are ours.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    units : sequence of int, default=(64, 64)
        Number of units of each recurrent layer.
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
    skgenre.neural_network.KerasRNNClassifier : Trains it as ``architecture="lstm"``.

    References
    ----------
    .. [1] Q. G. Rafi, M. Noman, S. Z. Prodhan, S. Alam and D. Nandi, "Comparative analysis of
       three improved deep learning architectures for music genre classification", International
       Journal of Information Technology and Computer Science 13(2), 2021.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import lstm
    >>> lstm((13, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    segments = Input(input_shape)
    hidden = as_frames(segments)
    for i, n_units in enumerate(units, start=1):
        hidden = layers.LSTM(n_units, return_sequences=i < len(units))(hidden)
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))


def indrnn(input_shape, n_classes, *, units=(128, 128, 128), dense_units=64, dropout=0.3):
    """Build an independently recurrent network.

    In an independently recurrent layer [2]_, each unit sees only its own past. Batch normalisation
    follows each layer, because states add up over the frames. The last state of the last layer goes
    to a dense layer. [1]_ compares such networks on genres; the number and the sizes of the layers
    are ours.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    units : sequence of int, default=(128, 128, 128)
        Number of units of each recurrent layer.
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
    skgenre.neural_network.KerasRNNClassifier : Trains it as ``architecture="indrnn"``.

    References
    ----------
    .. [1] Q. G. Rafi, M. Noman, S. Z. Prodhan, S. Alam and D. Nandi, "Comparative analysis of
       three improved deep learning architectures for music genre classification", International
       Journal of Information Technology and Computer Science 13(2), 2021.
    .. [2] S. Li, W. Li, C. Cook, C. Zhu and Y. Gao, "Independently recurrent neural network
       (IndRNN): building a longer and deeper RNN", CVPR, 2018.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import indrnn
    >>> indrnn((13, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    from ._layers import IndRNN

    segments = Input(input_shape)
    hidden = as_frames(segments)
    for i, n_units in enumerate(units, start=1):
        hidden = IndRNN(n_units, return_sequences=i < len(units))(hidden)
        hidden = layers.BatchNormalization()(hidden)
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))


def blstm_attention(input_shape, n_classes, *, units=(64,), dense_units=64, dropout=0.3):
    """Build a bidirectional recurrent network with attention over frames, after Yu et al.

    The state of each frame gets a score. A softmax over time turns the scores into weights, and the
    weighted mean of the states goes to a dense layer. Bidirectional recurrence and attention are
    those of [1]_; long short-term memory, the linear score and the sizes are ours.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (n_bands, n_frames, 1) of a segment.
    n_classes : int
        Number of genres.
    units : sequence of int, default=(64,)
        Number of units of each recurrent layer in either direction.
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
    skgenre.neural_network.KerasRNNClassifier : Trains it as ``architecture="blstm-attention"``.

    References
    ----------
    .. [1] Y. Yu, S. Luo, S. Liu, H. Qiao, Y. Liu and L. Feng, "Deep attention based music genre
       classification", Neurocomputing 372, 2020.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import blstm_attention
    >>> blstm_attention((13, 130, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    segments = Input(input_shape)
    states = as_frames(segments)
    for n_units in units:
        states = layers.Bidirectional(layers.LSTM(n_units, return_sequences=True))(states)
    if input_shape[1] == 1:  # its weight is 1, and Keras warns of a softmax over one
        hidden = layers.Flatten()(states)
    else:
        scores = layers.Flatten()(layers.Dense(1)(states))
        hidden = layers.Dot(axes=1)([layers.Activation("softmax")(scores), states])
    return Model(segments, classify(hidden, n_classes, [dense_units], dropout))
