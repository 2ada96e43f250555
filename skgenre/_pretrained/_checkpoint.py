import os
import warnings
from contextlib import contextmanager
from functools import cached_property, lru_cache
from numbers import Integral

import numpy as np

from .._forks import note_use
from ._families import find_family, make_config, read_config
from ._family import PROJECTION, UnknownFamily
from ._torch import is_out_of_memory, quiet, seeded, torch, transformers

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
        self.family = _find_family(name, config)(config, extractor)
        rate = getattr(extractor, "sampling_rate", None)
        steps = [number for step in self.family.convolutions for number in step]
        if not all(isinstance(number, int | float) and number > 0 for number in (rate, *steps)):
            raise ValueError(
                f"The checkpoint {name!r} is damaged, or not of an audio model: its sampling_rate "
                f"is {rate!r}, and its convolutions have the kernels and strides {steps}"
            )
        with self._extractor_blamed():
            silence = np.zeros((1, self.family.shortest), dtype=np.float32)
            self.family.prepare(self.cut(silence)[0])

    @classmethod
    def open(cls, name, revision=None, trust_remote_code=False):
        """Read what a checkpoint says of itself, from a folder or from the hub."""
        with _explained(name), quiet():
            if not os.path.isdir(name):
                file = transformers.utils.cached_file(name, "config.json", revision=revision)
                revision = transformers.utils.hub.extract_commit_hash(file, None) or revision
            options = {"revision": revision} if revision else {}
            options["trust_remote_code"] = trust_remote_code
            config = read_config(name, **options)
        _find_family(name, config)
        with _explained(name), quiet():
            extractor = transformers.AutoFeatureExtractor.from_pretrained(name, **options)
        return cls(name, revision, config, extractor, trust_remote_code)

    @classmethod
    def from_state(cls, state):
        """Return the checkpoint that `to_state` was called on, without its files.

        A model whose code is not part of transformers is the exception: its code is needed.
        """
        name, trusts = state["name"], state["trust_remote_code"]
        if "auto_map" in state["config"]:
            return cls.reopen(state)
        config = make_config(state["config"])
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
        """Return the encoder with its pretrained weights, in float32, for inference."""
        note_use("torch")
        options = {"revision": self.revision} if self.revision else {}
        # what the checkpoint lacks is drawn at random
        with _explained(self.name), quiet(), seeded(0):
            model, report = self.family.model_class.from_pretrained(
                self.name,
                config=self.config,
                dtype=torch.float32,
                trust_remote_code=self._trust_remote_code,
                output_loading_info=True,
                **options,
            )
        model, prefix = self.family.encoder_of(model), self.family.prefix
        absent = sorted(
            key.removeprefix(prefix) for key in report["missing_keys"] if key.startswith(prefix)
        )
        if absent:
            # transformers leaves some of them as the memory was
            drawn = self.build().state_dict()
            model.load_state_dict({key: drawn[key] for key in absent}, strict=False)
        missing = [key for key in absent if _NOT_MISSED not in key]
        if missing:
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
        if isinstance(self.family, UnknownFamily):
            self._try(model.eval())
        return model.eval()

    def _try(self, model):
        """Refuse an encoder whose layers are not those of its configuration."""
        layers = self.find_layers("all")
        try:
            with torch.inference_mode():
                inputs = self.family.prepare(self.make_noise())
                states = self.family.hidden_states(model, inputs, layers)
            shapes = [(state.ndim, state.shape[-1]) for state in states]
        except Exception as error:  # whatever a model makes of inputs that are not for it
            if is_out_of_memory(error):
                raise
            raise ValueError(f"{_refusal(self.name, self.config)}: {error}") from error
        if shapes != [(3, self.family.width(layer)) for layer in layers]:
            raise ValueError(_refusal(self.name, self.config))

    def hear(self, model, inputs, layers):
        """Return the frames of layers, as `Family.hidden_states`."""
        with self._extractor_blamed():
            return self.family.hidden_states(model, inputs, layers)

    @contextmanager
    def _extractor_blamed(self):
        """Name the feature extractor where it is not one for the model."""
        try:
            yield
        except Exception as error:  # whatever models make of inputs that are not for them
            if is_out_of_memory(error):
                raise
            raise ValueError(
                f"The checkpoint {self.name!r} is of type {self.config.model_type!r}, which fails "
                f"on the output of its feature extractor, {type(self.extractor).__name__}; it "
                "needs the preprocessor_config.json that the model was published with. The error "
                f"is: {error}"
            ) from error

    def make_noise(self):
        """Return a second of noise to try models on, (1, n_samples), or what they hear of it."""
        n_samples = min(self.sr, self.family.longest or self.sr)
        return np.random.RandomState(0).normal(scale=0.1, size=(1, n_samples)).astype(np.float32)

    def build(self):
        """Return the encoder with random weights, in float32."""
        note_use("torch")
        with quiet(), seeded(0):
            model = self.family.build(
                dtype=torch.float32, trust_remote_code=self._trust_remote_code
            )
        return model.eval()

    @property
    def sr(self):
        """Sample rate in Hz that the model takes."""
        return self.extractor.sampling_rate

    @cached_property
    def architecture(self):
        """What is the same for models that differ in their weights alone."""
        return self.config.to_json_string()

    def find_layers(self, layers):
        """Return the layers of a parameter: from 0, the input, to ``n_layers``, or the projection.

        Parameters
        ----------
        layers : int, "projection", sequence of them, or "all"
            Negative numbers count from the last layer.

        Returns
        -------
        layers : list of int and str
            Numbers that are not negative, and the projection by its name.
        """
        n_states = self.family.n_layers + 1
        if isinstance(layers, str) and layers == "all":
            return list(range(n_states))
        asked = np.atleast_1d(np.asarray(layers, dtype=object)).tolist()
        names = [layer for layer in asked if isinstance(layer, str)]
        numbers = [layer for layer in asked if isinstance(layer, Integral)]
        is_known = len(names) + len(numbers) == len(asked) and set(names) <= {PROJECTION}
        if not (asked and is_known) or any(isinstance(layer, bool) for layer in asked):
            raise ValueError(
                "layers must be integers or 'all', or 'projection' if the model has one, got "
                f"{layers!r}"
            )
        if names and not self.family.has_projection:
            raise ValueError(
                f"{self.name!r} has no projection, which is a layer of CLAP; its layers are "
                f"{self._layers_in_words()}"
            )
        if any(not -n_states <= layer < n_states for layer in numbers):
            raise ValueError(
                f"layers={layers!r} do not all exist; {self.name!r} has {self._layers_in_words()}"
            )
        return [layer if layer == PROJECTION else int(layer) % n_states for layer in asked]

    def _layers_in_words(self):
        n_layers = self.family.n_layers
        if not n_layers:
            return "0 alone, its output"
        return f"0, the input of the transformer, to {n_layers}, its output"

    def find_width(self, layers):
        """Return the width of layers that are to be averaged, or say that they cannot be."""
        widths = [self.family.width(layer) for layer in layers]
        is_mixed = PROJECTION in layers or not self.family.have_same_frames(layers)
        if len(layers) > 1 and (len(set(widths)) > 1 or is_mixed):
            raise ValueError(
                f"layers={layers} of {self.name!r} cannot be averaged, because their frames "
                f"differ, with {widths} values each; choose others, or a single one"
            )
        return widths[0]

    def cut(self, segments):
        """Cut segments in the fewest parts of one length that the model can hear.

        Parameters
        ----------
        segments : ndarray of shape (n_segments, n_samples)
            At the checkpoint's sample rate.

        Returns
        -------
        parts : ndarray of shape (n_segments, n_parts, n_part_samples)
            Side by side, but for a few samples that two parts share where the length demands it.
        """
        n_samples = segments.shape[1]
        n_parts = -(-n_samples // (self.family.longest or n_samples))
        length = -(-n_samples // n_parts)
        starts = np.linspace(0, n_samples - length, n_parts).round().astype(int)
        return np.stack([segments[:, start : start + length] for start in starts], axis=1)


def _find_family(name, config):
    family = find_family(config)
    if family is None:
        raise ValueError(_refusal(name, config))
    return family


def _refusal(name, config):
    return (
        f"The checkpoint {name!r} is of type {config.model_type!r}, which is not an audio encoder "
        "such as wav2vec2, hubert, wavlm, audio-spectrogram-transformer, clap, whisper or encodec"
    )


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
                f"The checkpoint {name!r} needs code of its own, which is not run unless "
                "trust_remote_code=True"
            ) from error
        where = "read" if os.path.isdir(name) else "found in the cache or downloaded from the hub"
        raise OSError(
            f"The checkpoint {name!r} cannot be {where}; give the name of an audio model on the "
            f"Hugging Face hub, or a local folder with one. transformers says: "
            f"{str(error) or type(error).__name__}"
        ) from error
