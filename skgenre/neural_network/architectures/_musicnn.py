"""musicnn, a net that was trained to tag music, as a Keras model that learns on."""

import numpy as np

from ...feature_extraction._spectrum import MUSICNN
from ._blocks import classify

_EPSILON = 1e-3
# The convolutions of the spectrogram: for timbre, over many bands; for rhythm, over many frames.
_VIEWS = ("timbral_38", "timbral_67", "temporal_128", "temporal_64", "temporal_32")


def musicnn(input_shape, n_classes, *, freeze_base=True, dense_units=(), dropout=0.3):
    """Build musicnn, a network pretrained on music tags, with a new head for genres.

    The network and its weights are those of Pons and Serra [1]_.

    Parameters
    ----------
    input_shape : tuple of int
        The shape (96, n_frames, 1) of a segment, in decibels.
    n_classes : int
        Number of genres.
    freeze_base : bool, default=True
        Train the head only. Otherwise all of the network is trained except batch normalisation.
    dense_units : sequence of int, default=()
        Sizes of additional dense layers in the head.
    dropout : float, default=0.3
        Dropout rate after musicnn and after each additional dense layer.

    Returns
    -------
    model : keras.Model
        The network, not compiled. Its first layer is musicnn, which is itself a model.

    Raises
    ------
    ValueError
        If segments do not have the bands that musicnn takes.

    See Also
    --------
    skgenre.neural_network.KerasCNNClassifier : Trains it as ``architecture="musicnn"``.

    References
    ----------
    .. [1] J. Pons and X. Serra, "musicnn: Pre-trained convolutional neural networks for music
       audio tagging", ISMIR 2019, late-breaking demo.

    Examples
    --------
    >>> from skgenre.neural_network.architectures import musicnn
    >>> musicnn((96, 187, 1), 10).output_shape
    (None, 10)
    """
    from keras import Input, Model, layers

    if input_shape[0] != MUSICNN["n_mels"]:
        settings = ", ".join(f"{name}={value}" for name, value in MUSICNN.items())
        raise ValueError(
            f"musicnn takes mel spectrograms of {MUSICNN['n_mels']} bands, got segments of shape "
            f"{input_shape[:2]} (bands, frames); make them with MelSpectrogramTransformer("
            f"{settings}, top_db=None)"
        )
    segments = Input(input_shape)
    hidden = layers.Dropout(dropout)(_make_base(input_shape)(segments))
    model = Model(segments, classify(hidden, n_classes, dense_units, dropout))
    set_frozen(model, freeze_base)
    return model


def set_frozen(model, is_frozen):
    """Keep musicnn in a net as it is, or let it learn.

    Batch normalisation stays in any case: the statistics of a few songs would be worse than those
    of what musicnn was trained on.
    """
    from keras import layers

    base = model.layers[1]
    base.trainable = not is_frozen
    for layer in base.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _make_base(input_shape):
    """Build musicnn up to what its layer of tags gets, (n, 200)."""
    from keras import Input, Model, layers

    from ..._onnx._weights import read_weights

    weights = read_weights("musicnn-msd")
    n_frames = input_shape[1]

    def load(layer, hidden, values):
        result = layer(hidden)
        layer.set_weights(values)
        return result

    def normalize(hidden, name):
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        layer = layers.BatchNormalization(epsilon=_EPSILON, name=name)
        return load(layer, hidden, [weights[f"{name}_{part}"] for part in parts])

    def view(hidden, name):
        """Convolve over frames and bands, normalise, and take the largest over the bands.

        Where the normalisation turns the sign, the largest value comes from the smallest one before
        it. With the sign in the kernel, the bands are pooled first, which takes less memory.
        """
        scale, shift = weights[f"{name}_scale"].ravel(), weights[f"{name}_shift"].ravel()
        sign = np.where(scale < 0, -1, 1)
        kernel = sign * weights[f"{name}_kernel"].transpose(2, 3, 1, 0)
        n_wide, n_high, _, n_filters = kernel.shape
        before = (n_wide - 1) // 2
        hidden = layers.ZeroPadding2D(((before, n_wide - 1 - before), (0, 0)))(hidden)
        layer = layers.Conv2D(n_filters, (n_wide, n_high), name=name)
        hidden = load(layer, hidden, [kernel, sign * weights[f"{name}_bias"].ravel()])
        hidden = layers.MaxPooling2D((1, hidden.shape[2]))(hidden)
        hidden = layers.Reshape((n_frames, n_filters))(hidden)
        hidden = layers.ReLU()(layers.Rescaling(sign.tolist())(hidden))
        layer = layers.BatchNormalization(epsilon=_EPSILON, name=f"{name}_norm")
        zeros, ones = np.zeros(n_filters), np.ones(n_filters)
        return load(layer, hidden, [scale, shift, zeros, ones - _EPSILON])

    def convolve(hidden, name):
        """Convolve over time all channels."""
        kernel = weights[f"{name}_kernel"].transpose(2, 1, 0)
        n_wide, _, n_filters = kernel.shape
        layer = layers.Conv1D(n_filters, n_wide, padding="same", activation="relu", name=name)
        hidden = load(layer, hidden, [kernel, weights[f"{name}_bias"]])
        return normalize(hidden, f"{name}_norm")

    segments = Input(input_shape)
    # from decibels to log10(1 + 10000 power), in float32 also where the rest computes in less
    hidden = layers.Rescaling(np.log(10) / 10, offset=np.log(10000), dtype="float32")(segments)
    hidden = layers.Activation("softplus", dtype="float32")(hidden)
    hidden = layers.Rescaling(1 / np.log(10), dtype="float32")(hidden)
    hidden = normalize(layers.Permute((2, 1, 3))(hidden), "input_norm")
    front = layers.Concatenate(name="front")([view(hidden, name) for name in _VIEWS])

    first = convolve(front, "middle_1")
    second = layers.Add()([convolve(first, "middle_2"), first])
    third = layers.Add()([convolve(second, "middle_3"), second])
    every = layers.Concatenate()([front, first, second, third])

    pools = [
        layers.GlobalMaxPooling1D(name="max_pool")(every),
        layers.GlobalAveragePooling1D(name="mean_pool")(every),
    ]
    columns = [layers.Reshape((every.shape[2], 1))(pool) for pool in pools]
    hidden = layers.Flatten()(layers.Concatenate()(columns))
    hidden = normalize(hidden, "flat_norm")
    layer = layers.Dense(weights["hidden_bias"].size, activation="relu", name="hidden")
    hidden = load(layer, hidden, [weights["hidden_kernel"], weights["hidden_bias"]])
    return Model(segments, normalize(hidden, "penultimate"), name="musicnn")
