"""What several architectures share."""


def as_frames(segments):
    """Turn images, (n_bands, n_frames, 1), into sequences of frames, (n_frames, n_bands)."""
    from keras import layers

    bands_by_frames = layers.Reshape(segments.shape[1:3])(segments)
    return layers.Permute((2, 1))(bands_by_frames)


def classify(hidden, n_classes, dense_units, dropout):
    """End a net: dense layers of the sizes ``dense_units``, each with dropout, and softmax.

    The probabilities are float32 also where the net computes in less.
    """
    from keras import layers

    for size in dense_units:
        hidden = layers.Dense(size, activation="relu")(hidden)
        hidden = layers.Dropout(dropout)(hidden)
    return layers.Dense(n_classes, activation="softmax", dtype="float32")(hidden)
