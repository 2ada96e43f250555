"""Speed of feature extraction against its rivals in the same run, with the agreement beside it.

    python benchmarks/feature_extraction.py [--data <folder of genres>] [--rounds 20]

Every round runs each contender once, so that a busy machine slows all of them; ratios are of the
medians. One thread each, but for the rows that read files with two workers. TensorFlow and torch
are among the rivals where they are installed.
"""

import argparse
import tempfile
from importlib.util import find_spec
from pathlib import Path

import joblib
import librosa
import numpy as np
import pandas as pd
import scipy.fft
import soundfile as sf
from _machine import describe_machine
from _timing import median_seconds
from threadpoolctl import threadpool_limits

from skgenre import MelSpectrogramTransformer, MFCCSegmenter
from skgenre.audio import load_audio
from skgenre.datasets import load_genre_folder, make_genre_clips

SR, SECONDS, N_CLIPS = 22050, 30, 8


def librosa_mel(y):
    return librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=SR))


def librosa_mfcc(y):
    return librosa.feature.mfcc(y=y, sr=SR, n_mfcc=13)


def librosa_segments(y):
    return np.stack([librosa_mfcc(part) for part in y.reshape(10, -1)])


def librosa_file(path):
    y, _ = librosa.load(path, sr=SR, duration=SECONDS)
    return librosa_mel(np.resize(y, SR * SECONDS))


def librosa_files(paths):
    with joblib.Parallel(2) as workers:
        return np.stack(workers(joblib.delayed(librosa_file)(path) for path in paths))


def fourier_transform_alone(y):
    """Transform the frames of a mel spectrogram and do nothing else."""
    padded = np.pad(y, 1024)
    frames = np.lib.stride_tricks.sliding_window_view(padded, 2048)[::512]
    for start in range(0, len(frames), 128):
        scipy.fft.rfft(frames[start : start + 128])


def make_tensorflow_peer():
    """Return mel and MFCC functions on tf.signal, as a traced graph."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    filters = tf.constant(librosa.filters.mel(sr=SR, n_fft=2048).T)
    cosines = tf.constant(scipy.fft.dct(np.eye(128), norm="ortho", axis=0)[:13], tf.float32)

    def mel(y):
        spectra = tf.signal.stft(tf.pad(y, [[1024, 1024]]), 2048, 512)
        power = tf.math.square(tf.math.real(spectra)) + tf.math.square(tf.math.imag(spectra))
        db = 10 / np.log(10) * tf.math.log(tf.maximum(power @ filters, 1e-10))
        return tf.transpose(tf.maximum(db, tf.reduce_max(db) - 80))

    graph = tf.function(mel)
    graph_mfcc = tf.function(lambda y: cosines @ mel(y))
    return lambda y: graph(y).numpy(), lambda y: graph_mfcc(y).numpy()


def make_torch_peer():
    """Return mel and MFCC functions on torch.stft."""
    import torch

    torch.set_num_threads(1)
    window = torch.hann_window(2048)
    filters = torch.from_numpy(librosa.filters.mel(sr=SR, n_fft=2048))
    cosines = torch.from_numpy(scipy.fft.dct(np.eye(128), norm="ortho", axis=0)[:13]).float()

    @torch.inference_mode()
    def mel(y):
        spectra = torch.stft(
            torch.from_numpy(y),
            2048,
            512,
            window=window,
            pad_mode="constant",
            return_complex=True,
        )
        db = 10 * torch.log10((filters @ torch.view_as_real(spectra).square().sum(-1)).clamp(1e-10))
        return db.clamp(min=db.max() - 80)

    return lambda y: mel(y).numpy(), lambda y: (cosines @ mel(y)).numpy()


PEERS = {"tensorflow": make_tensorflow_peer, "torch": make_torch_peer}


def ours(transformer):
    return lambda y: transformer.transform(y[np.newaxis])[0]


def make_works(clips, paths):
    """Return (work, ours, rival, inputs) for each row of the table."""
    mel = ours(MelSpectrogramTransformer())
    mfcc = ours(MFCCSegmenter(n_segments=None))
    segments = ours(MFCCSegmenter())
    files = MelSpectrogramTransformer(n_jobs=2).transform
    works = [
        ("mel in dB against librosa", mel, librosa_mel, clips),
        ("13 MFCC against librosa", mfcc, librosa_mfcc, clips),
        ("ten MFCC segments against librosa", segments, librosa_segments, clips),
        (f"{len(paths)} WAV to mel, 2 workers, against librosa", files, librosa_files, [paths]),
        ("mel in dB against the FFT alone", mel, fourier_transform_alone, clips),
    ]
    for name, make_peer in PEERS.items():
        if find_spec(name):
            peer_mel, peer_mfcc = make_peer()
            works.append((f"mel in dB against {name}", mel, peer_mel, clips))
            works.append((f"13 MFCC against {name}", mfcc, peer_mfcc, clips))
    return works


def measure(work, contender, rival, inputs, rounds):
    expected, result = rival(inputs[0]), contender(inputs[0])
    seconds = median_seconds({"ours": contender, "rival": rival}, inputs, rounds)
    own, other = seconds["ours"], seconds["rival"]
    return {
        "work": work,
        "ours (ms)": 1000 * own,
        "rival (ms)": 1000 * other,
        "times faster": other / own,
        "largest difference": np.nan if expected is None else np.abs(result - expected).max(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of genres; invented songs if left out")
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    if args.data:
        paths = load_genre_folder(args.data).paths
        sources = paths[:: max(1, len(paths) // N_CLIPS)][:N_CLIPS]
        clips = np.stack([np.resize(load_audio(path), SR * SECONDS) for path in sources])
    else:
        clips, _ = make_genre_clips(N_CLIPS, duration=SECONDS, sr=SR, random_state=0)
    print(describe_machine("numpy", "scipy", "numba", "librosa", *filter(find_spec, PEERS)))
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{i}.wav")) for i in range(len(clips))]
        for path, clip in zip(paths, clips, strict=True):
            sf.write(path, clip, SR)
        with threadpool_limits(1):
            rows = [
                measure(work, contender, rival, inputs, args.rounds)
                for work, contender, rival, inputs in make_works(clips, paths)
            ]
    print(pd.DataFrame(rows).to_string(index=False, float_format="{:.4g}".format))


if __name__ == "__main__":
    main()
