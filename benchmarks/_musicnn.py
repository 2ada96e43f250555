"""What the package musicnn does with a file, for comparison: its front end, and its own graph."""

import sys
from pathlib import Path

import librosa
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from musicnn_wheel import open_wheel

SR, N_FRAMES = 16000, 187


def hear(path):
    """Return patches (n_patches, 187, 96) of a file, the power in float16 as the package has it.

    The package also takes the logarithm in float16, in which 10000 times the power of loud music is
    infinite. Here that is float32, so that the tags are right.
    """
    y, _ = librosa.load(path, sr=SR)
    mel = librosa.feature.melspectrogram(y=y, sr=SR, hop_length=256, n_fft=512, n_mels=96).T
    mel = np.log10(10000 * mel.astype(np.float16).astype(np.float32) + 1)
    n_patches = len(mel) // N_FRAMES
    return mel[: n_patches * N_FRAMES].reshape(n_patches, N_FRAMES, 96)


def open_tagger(checkpoint):
    """Return a function from a path to the mean of the tags over its patches, one at a time."""
    run = open_wheel(checkpoint)

    def tag(path):
        parts = [run(patch[np.newaxis], ["tags"])[0] for patch in hear(path)]
        return np.concatenate(parts).mean(axis=0)

    return tag
