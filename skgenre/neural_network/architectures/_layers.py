"""Keras layers of our own. Imported when a net that has one is built or loaded."""

import keras


@keras.saving.register_keras_serializable(package="skgenre")
class IndRNN(keras.layers.Layer):
    """Recurrent layer whose units each see only their own past.

    ``h[t] = relu(x[t] @ kernel + recurrent_kernel * h[t - 1] + bias)``

    Over T frames a gradient grows at most by ``abs(recurrent_kernel) ** T``, so the recurrent
    weights are kept within 2 ** (1 / T) of zero, which makes that 2. They start anywhere from 0 to
    there or, where only the last frame is returned, from 0.5 ** (1 / T), so that every unit
    remembers the first frame.

    Parameters
    ----------
    units : int
        Number of units.
    return_sequences : bool, default=False
        Return all frames, (n, n_frames, units), not only the last, (n, units).
    **kwargs : dict
        Of every Keras layer, as ``name``.

    References
    ----------
    .. [1] S. Li, W. Li, C. Cook, C. Zhu and Y. Gao, "Independently recurrent neural network
       (IndRNN): building a longer and deeper RNN", CVPR, 2018.
    """

    def __init__(self, units, *, return_sequences=False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.return_sequences = return_sequences

    def build(self, input_shape):
        """Make the weights for inputs of shape (n, n_frames, n_bands)."""
        _, n_frames, n_bands = input_shape
        bound = 2 ** (1 / n_frames)
        start = 0 if self.return_sequences else 0.5 ** (1 / n_frames)
        self.kernel = self.add_weight(
            name="kernel", shape=(n_bands, self.units), initializer="he_normal"
        )
        self.recurrent_kernel = self.add_weight(
            name="recurrent_kernel",
            shape=(self.units,),
            initializer=keras.initializers.RandomUniform(start, bound),
            constraint=lambda weights: keras.ops.clip(weights, -bound, bound),
        )
        self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, frames):
        """Run over the frames, (n, n_frames, n_bands)."""
        inputs = keras.ops.matmul(frames, self.kernel) + self.bias

        def step(last, current):
            state = keras.ops.relu(current + self.recurrent_kernel * last)
            return state, state

        start = keras.ops.zeros_like(inputs[:, 0])
        last, states = keras.ops.scan(step, start, keras.ops.swapaxes(inputs, 0, 1))
        return keras.ops.swapaxes(states, 0, 1) if self.return_sequences else last

    def compute_output_shape(self, input_shape):
        """Return the shape of the output for inputs of shape (n, n_frames, n_bands)."""
        n, n_frames, _ = input_shape
        return (n, n_frames, self.units) if self.return_sequences else (n, self.units)

    def get_config(self):
        """Return what makes the same layer anew."""
        return {
            **super().get_config(),
            "units": self.units,
            "return_sequences": self.return_sequences,
        }
