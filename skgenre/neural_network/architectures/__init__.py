"""Networks as functions from an input shape and a number of genres to a Keras model."""

from ._convolutional import mel_cnn, mfcc_cnn, residual_cnn, spectrogram_cnn
from ._dense import dense_net
from ._musicnn import musicnn
from ._recurrent import blstm_attention, indrnn, lstm

__all__ = [
    "blstm_attention",
    "dense_net",
    "indrnn",
    "lstm",
    "mel_cnn",
    "mfcc_cnn",
    "musicnn",
    "residual_cnn",
    "spectrogram_cnn",
]
