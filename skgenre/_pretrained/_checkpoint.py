import os
import warnings
from contextlib import contextmanager
from functools import cached_property, lru_cache

import numpy as np

from .._forks import note_use
from ._torch import is_out_of_memory, quiet, seeded, torch, transformers

# Samples of a frame of the extractors of spectrograms: 25 ms at 16 kHz.
_SPECTROGRAM_FRAME, _SPECTROGRAM_HOP = 400, 160
# A parameter that only SpecAugment needs, and many checkpoints lack.
_NOT_MISSED = "masked_spec_embed"


def open_checkpoint(name, *, revision=None, trust_remote_code=False):
    """Return the `Checkpoint` of a name, the same one while its files are the same."""
    name = os.fspath(name)
    if os.path.isdir(name):
        name, revision = os.path.abspath(name), None
    return _open(name, revision, trust_remote_code, _state_of_files(name))


@lru_cache(maxsize=8)
def _open(name, revision, trust_remote_code, state_of_files):
    return Checkpoint.open(name, revision, trust_remote_code)


@lru_cache(maxsize=1)
def frozen_model(checkpoint, device):
    """Return the pretrained model of a checkpoint, kept for the next call."""
    return checkpoint.load().to(device).requires_grad_(False)


class Checkpoint:
    """What is known of a pretrained model without its weights.

    Parameters
    ----------
    name : str
        A local folder, or a repository on the Hugging Face hub.
    revision : str or None
        The commit of the repository; None for a folder.
    config : transformers.PretrainedConfig
        Of the model.
    extractor : callable
        transformers' feature extractor: waveforms to what the model takes.
    trust_remote_code : bool
        Whether code of the repository may be run.
    """

    def __init__(self, name, revision, config, extractor, trust_remote_code):
        self.name, self.revision = name, revision
        self.config, self.extractor = config, extractor
        self._trust_remote_code = trust_remote_code
        if getattr(config, "is_encoder_decoder", False) or not hasattr(config, "hidden_size"):
            raise ValueError(
                f"The checkpoint {name!r} is of the kind {config.model_type!r}, which is no "
                "encoder of audio such as wav2vec2, hubert, wavlm, data2vec-audio or "
                "audio-spectrogram-transformer"
            )
        rate = getattr(extractor, "sampling_rate", None)
        steps = [*getattr(config, "conv_kernel", ()), *getattr(config, "conv_stride", ())]
        if not all(isinstance(number, int | float) and number > 0 for number in (rate, *steps)):
            raise ValueError(
                f"The checkpoint {name!r} is damaged, or of no model of audio: its sampling_rate "
                f"is {rate!r}, and its convolutions have the kernels and strides {steps}"
            )

    @classmethod
    def open(cls, name, revision=None, trust_remote_code=False):
        """Read what a checkpoint says of itself, from a folder or from the hub."""
        with _explained(name), quiet():
            if not os.path.isdir(name):
                file = transformers.utils.cached_file(name, "config.json", revision=revision)
                revision = transformers.utils.hub.extract_commit_hash(file, None) or revision
            options = {"revision": revision} if revision else {}
            options["trust_remote_code"] = trust_remote_code
            config = transformers.AutoConfig.from_pretrained(name, **options)
            extractor = transformers.AutoFeatureExtractor.from_pretrained(name, **options)
        return cls(name, revision, config, extractor, trust_remote_code)

    @classmethod
    def from_state(cls, state):
        """Return the checkpoint that `to_state` was called on, without its files.

        A model whose code is not part of transformers is the exception: its code is needed.
        """
        name, trusts = state["name"], state["trust_remote_code"]
        settings = dict(state["config"])
        if "auto_map" in settings:
            return cls.reopen(state)
        config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
        kind = getattr(transformers, state["extractor"]["feature_extractor_type"])
        with quiet():
            extractor = kind.from_dict(state["extractor"])
        return cls(name, state["revision"], config, extractor, trusts)

    @classmethod
    def reopen(cls, state):
        """Return the checkpoint that `to_state` was called on, from its files."""
        return cls.open(state["name"], state["revision"], state["trust_remote_code"])

    def to_state(self):
        """Return plain numbers, strings, lists and dictionaries to make the checkpoint of again."""
        return {
            "name": self.name,
            "revision": self.revision,
            "trust_remote_code": self._trust_remote_code,
            "config": self.config.to_dict(),
            "extractor": self.extractor.to_dict(),
        }

    def identity(self):
        """Return what differs where other weights may stand under the name."""
        return self.name, self.revision, _state_of_files(self.name)

    def load(self):
        """Return the model with its pretrained weights, in float32, for inference."""
        note_use("torch")
        options = {"revision": self.revision} if self.revision else {}
        # what the checkpoint lacks is drawn at random
        with _explained(self.name), quiet(), seeded(0):
            model, report = transformers.AutoModel.from_pretrained(
                self.name,
                dtype=torch.float32,
                trust_remote_code=self._trust_remote_code,
                output_loading_info=True,
                **options,
            )
        missing = sorted(key for key in report["missing_keys"] if _NOT_MISSED not in key)
        if missing:
            # transformers leaves some of them as the memory was
            drawn = self.build().state_dict()
            model.load_state_dict({key: drawn[key] for key in missing}, strict=False)
            warnings.warn(
                f"The checkpoint {self.name!r} has no weights for {missing}; they are random",
                stacklevel=2,
            )
        broken = [key for key, w in model.named_parameters() if not torch.isfinite(w).all()]
        if broken:
            raise ValueError(
                f"The checkpoint {self.name!r} is damaged: {len(broken)} of its weights, such as "
                f"{broken[0]}, hold values that are not finite"
            )
        return model.eval()

    def build(self):
        """Return the model with random weights, in float32."""
        note_use("torch")
        with quiet(), seeded(0):
            model = transformers.AutoModel.from_config(
                self.config, dtype=torch.float32, trust_remote_code=self._trust_remote_code
            )
        return model.eval()

    @property
    def sr(self):
        """Sample rate in Hz that the model takes."""
        return self.extractor.sampling_rate

    @property
    def width(self):
        """Number of values in each frame of a layer."""
        return self.config.hidden_size

    @property
    def n_layers(self):
        """Number of transformer layers."""
        return self.config.num_hidden_layers

    @cached_property
    def architecture(self):
        """What is the same for models that differ in their weights alone."""
        return self.config.to_json_string()

    @cached_property
    def shortest(self):
        """Number of samples that give one frame."""
        if not hasattr(self.config, "conv_kernel"):
            return _SPECTROGRAM_FRAME
        n_samples = 1
        convolutions = zip(self.config.conv_kernel, self.config.conv_stride, strict=True)
        for kernel, stride in reversed(list(convolutions)):
            n_samples = (n_samples - 1) * stride + kernel
        return n_samples

    def count_frames(self, n_samples):
        """Return how many frames the convolutions make of so many samples; None without them."""
        if not hasattr(self.config, "conv_kernel"):
            return None
        n_samples = max(n_samples, self.shortest)
        for kernel, stride in zip(self.config.conv_kernel, self.config.conv_stride, strict=True):
            n_samples = (n_samples - kernel) // stride + 1
        return n_samples

    @property
    def longest(self):
        """Number of samples beyond which the extractor would cut, or None."""
        n_frames = getattr(self.extractor, "max_length", None)
        if n_frames is None:
            return None
        return (n_frames - 1) * _SPECTROGRAM_HOP + _SPECTROGRAM_FRAME

    def why_too_long(self, n_samples):
        """Return a text where the extractor would cut so many samples, or else None."""
        if self.longest is None or n_samples <= self.longest:
            return None
        return (
            f"longer than the {self.longest / self.sr:g} s that {self.name!r} takes; set a shorter "
            "segment_duration"
        )

    def find_layers(self, layers):
        """Return the layers of a parameter as numbers from 0, the input, to ``n_layers``."""
        if isinstance(layers, str) and layers == "all":
            return list(range(self.n_layers + 1))
        asked = np.atleast_1d(np.asarray(layers))
        if asked.dtype.kind not in "iu" or asked.ndim > 1 or not len(asked):
            raise ValueError(f"layers must be integers or 'all', got {layers!r}")
        n_states = self.n_layers + 1
        if asked.min() < -n_states or asked.max() >= n_states:
            raise ValueError(
                f"layers={layers!r} are not all there; {self.name!r} has 0, the input of the "
                f"transformer, to {self.n_layers}, its output"
            )
        return [int(layer) % n_states for layer in asked]

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into what the model takes.

        Segments of one length need neither padding nor an attention mask, and so the answer for one
        does not depend on the others.
        """
        n_samples = segments.shape[1]
        if n_samples < self.shortest:
            segments = np.tile(segments, -(-self.shortest // n_samples))[:, : self.shortest]
        inputs = self.extractor(list(segments), sampling_rate=self.sr, return_tensors="pt")
        mask = inputs.get("attention_mask")
        if mask is not None and bool(mask.all()):
            del inputs["attention_mask"]
        return dict(inputs)


def hidden_states(model, inputs, layers):
    """Return the frames of layers, a list of tensors (n_segments, n_frames, width).

    Layer 0 is the input of the first transformer layer, and the last one the model's output, after
    the final normalisation where there is one.
    """
    n_layers = model.config.num_hidden_layers
    if layers == [n_layers]:
        return [model(**inputs).last_hidden_state]
    outputs = model(**inputs, output_hidden_states=True)
    states = [*outputs.hidden_states[:n_layers], outputs.last_hidden_state]
    return [states[layer] for layer in layers]


def _state_of_files(name):
    """Return name, size and time of change of the files of a local checkpoint; None for others."""
    if not os.path.isdir(name):
        return None
    files = [(file.name, file.stat()) for file in os.scandir(name) if file.is_file()]
    return tuple(sorted((file, stat.st_size, stat.st_mtime_ns) for file, stat in files))


@contextmanager
def _explained(name):
    """Name the checkpoint where transformers cannot read it."""
    try:
        yield
    except Exception as error:  # whatever a damaged file makes of transformers
        if is_out_of_memory(error):
            raise
        if "trust_remote_code" in str(error):
            raise ValueError(
                f"The checkpoint {name!r} comes with code of its own, which is not run unless "
                "trust_remote_code=True"
            ) from error
        where = "read" if os.path.isdir(name) else "found in the cache or downloaded from the hub"
        raise OSError(
            f"The checkpoint {name!r} cannot be {where}; give the name of a model of audio on the "
            f"Hugging Face hub, or a local folder of one. transformers says: "
            f"{str(error) or type(error).__name__}"
        ) from error
