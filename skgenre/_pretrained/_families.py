"""The families of encoders of audio in transformers that differ from most, and who is of which."""

from copy import deepcopy

import numpy as np

from .._lengths import fit_length
from ._family import FRAME, HOP, PROJECTION, Family, UnknownFamily
from ._torch import torch, transformers

_NAMES_OF_AUDIO = ("input_values", "input_features")


class SEWFamily(Family):
    """SEW and SEW-D, whose transformer hears fewer frames than its output has."""

    @property
    def shortest(self):
        """Number of samples that give one frame to the transformer."""
        return self._samples_of(self.config.squeeze_factor)

    def _frames(self, outputs, layer):
        frames = super()._frames(outputs, layer)
        is_last = layer == self.n_layers
        return frames if is_last else frames.repeat_interleave(self.config.squeeze_factor, dim=1)

    def _count_heard(self, inputs):
        # transformers fills up with frames of zeros
        n_frames = self.count_frames(inputs["input_values"].shape[-1])
        return n_frames - n_frames % self.config.squeeze_factor


class Wav2Vec2BertFamily(Family):
    """Wav2Vec2-BERT, which hears two frames of a spectrogram as one."""

    shortest = FRAME + HOP

    def count_frames(self, n_samples):
        """Return how many frames SpecAugment masks in so many samples."""
        return ((max(n_samples, self.shortest) - FRAME) // HOP + 2) // 2

    def _count_heard(self, inputs):
        mask = inputs.get("attention_mask")
        return None if mask is None else int(mask[0].sum())


class EncoderDecoderFamily(Family):
    """The encoders of models that write down what is said."""

    prefix = "encoder."

    def build(self, **options):
        """Return the encoder with random weights, without ever filling those of the decoder."""
        with torch.device("meta"):
            encoder = super().build(**options)
        return type(encoder)(deepcopy(self.config))

    def encoder_of(self, model):
        """Return the encoder of a model."""
        return model.get_encoder()

    @property
    def n_layers(self):
        """Number of layers of the encoder."""
        return self.config.encoder_layers

    def suit_training(self, model, layers, n_samples):
        """Turn off what training by these layers could not stand; nothing is masked."""
        if layers != [self.n_layers]:
            model.layerdrop = 0.0
        # of the decoder, and transformers would warn of it under gradient checkpointing
        model.config.use_cache = False


class WhisperFamily(EncoderDecoderFamily):
    """Whisper, whose extractor pads every segment with silence to the longest input."""

    convolutional = ("conv1", "conv2")
    fixed = ("embed_positions",)

    @property
    def shortest(self):
        """Number of samples of one frame."""
        return 2 * self.extractor.hop_length

    @property
    def longest(self):
        """Number of samples of every input, padded."""
        return self.config.max_source_positions * self.shortest

    @property
    def _extractor_options(self):
        return {"max_length": self.longest, "return_attention_mask": True}

    def _count_heard(self, inputs):
        mask = inputs.get("attention_mask")
        # the second convolution takes each second frame
        return None if mask is None else -(-int(mask[0].sum()) // 2)


class MoonshineFamily(EncoderDecoderFamily):
    """Moonshine, with convolutions over the waveform."""

    convolutional = ("conv1", "conv2", "conv3", "groupnorm")
    convolutions = ((127, 64), (7, 3), (3, 2))

    @property
    def n_layers(self):
        """Number of layers of the encoder."""
        return self.config.encoder_num_hidden_layers


class Speech2TextFamily(EncoderDecoderFamily):
    """Speech2Text, whose extractor gives each band of a segment the same mean and deviation."""

    convolutional = ("conv",)

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into tensors that the model takes."""
        # a band that never changes, as in silence, has no deviation to divide by
        with np.errstate(divide="ignore", invalid="ignore"):
            inputs = super().prepare(segments)
        features = inputs["input_features"].nan_to_num(nan=0.0, posinf=0.0, neginf=0.0)
        return {**inputs, "input_features": features}


class ClapFamily(Family):
    """The audio side of CLAP: stages of a Swin transformer, and a projection.

    The frames of a layer are the patches of its grid, of time and frequency.
    """

    recomputes_activations = False

    @property
    def has_projection(self):
        """Whether the checkpoint holds one."""
        return "ClapAudioModel" not in (self.config.architectures or ())

    @property
    def model_class(self):
        """The class that loads a checkpoint, of both sides or of one."""
        kind = "WithProjection" if self.has_projection else ""
        return getattr(transformers, f"ClapAudioModel{kind}")

    def build(self, **options):
        """Return the encoder with random weights."""
        return self.model_class(deepcopy(self.config))

    @property
    def n_layers(self):
        """Number of stages."""
        return len(self.config.depths)

    def width(self, layer):
        """Return the number of values in each frame of a layer."""
        if layer == PROJECTION:
            return self.config.projection_dim
        # each stage but the last merges four patches in one
        return self.config.patch_embeds_hidden_size * 2 ** min(layer, self.n_layers - 1)

    @property
    def longest(self):
        """Number of samples beyond which the extractor would take parts at random."""
        return self.extractor.nb_max_samples

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into tensors that the model takes."""
        features = super().prepare(segments)["input_features"]
        # what is not too long has one spectrogram, which models with fusion take four times; the
        # extractor would tell them of one segment, drawn at random, that it is longer
        n_copies = 4 if self.config.enable_fusion else 1
        return {
            "input_features": features[:, :1].expand(-1, n_copies, -1, -1),
            "is_longer": torch.zeros(len(features), 1, dtype=torch.bool),
        }

    def _frames(self, outputs, layer):
        if layer == PROJECTION:
            return torch.nn.functional.normalize(outputs.audio_embeds, dim=-1)[:, None]
        return super()._frames(outputs, layer).flatten(2).transpose(1, 2)

    def suit_training(self, model, layers, n_samples):
        """Do nothing: no layer is dropped, and nothing is masked."""


class CodecFamily(Family):
    """The encoders of codecs: one layer, what they give before it is quantised."""

    prefix = "encoder."
    convolutional = ()
    recomputes_activations = False
    n_layers = 0

    def encoder_of(self, model):
        """Return the encoder of a codec."""
        return model.encoder

    @property
    def shortest(self):
        """Number of samples of one frame."""
        return self.config.hop_length

    def hidden_states(self, model, inputs, layers):
        """Return the frames of the one layer, in a list."""
        return [model(inputs["input_values"]).transpose(1, 2)]

    def suit_training(self, model, layers, n_samples):
        """Do nothing: no layer is dropped, and nothing is masked."""


class EncodecFamily(CodecFamily):
    """EnCodec, whose models of music hear two channels, normalised, a second at a time."""

    @property
    def longest(self):
        """Number of samples that the model hears at a time; None for any number."""
        return self.config.chunk_length

    def prepare(self, segments):
        """Turn segments, (n_segments, n_samples), into tensors that the model takes."""
        # the extractor does no more than this and pad
        values = torch.from_numpy(fit_length(segments, max(segments.shape[1], self.shortest)))
        if self.config.normalize:
            values = values / (values.square().mean(dim=1, keepdim=True).sqrt() + 1e-8)
        return {"input_values": values[:, None].expand(-1, self.config.audio_channels, -1)}


FAMILIES = {
    **dict.fromkeys(
        (
            "audio-spectrogram-transformer",
            "data2vec-audio",
            "hubert",
            "unispeech",
            "unispeech-sat",
            "wav2vec2",
            "wav2vec2-conformer",
            "wavlm",
        ),
        Family,
    ),
    "clap": ClapFamily,
    "clap_audio_model": ClapFamily,
    "dac": CodecFamily,
    "encodec": EncodecFamily,
    "moonshine": MoonshineFamily,
    "sew": SEWFamily,
    "sew-d": SEWFamily,
    "speech_to_text": Speech2TextFamily,
    "wav2vec2-bert": Wav2Vec2BertFamily,
    "whisper": WhisperFamily,
}


def find_family(config):
    """Return the family of a model by its configuration, or None if it encodes no audio."""
    if config.model_type in FAMILIES:
        return FAMILIES[config.model_type]
    has_layers = hasattr(config, "hidden_size") and hasattr(config, "num_hidden_layers")
    if getattr(config, "is_encoder_decoder", False) or not has_layers:
        return None
    # what brings its own code is taken at its word until it is tried
    if not hasattr(config, "auto_map"):
        kind = transformers.MODEL_MAPPING.get(type(config), None)
        if getattr(kind, "main_input_name", None) not in _NAMES_OF_AUDIO:
            return None
    return UnknownFamily


def read_config(name, **options):
    """Return the configuration of a checkpoint; of one with texts, that of its audio side."""
    settings, _ = transformers.PreTrainedConfig.get_config_dict(name, **options)
    # which the first releases of transformers 5 do not find by its kind
    is_audio_side = settings.get("model_type") == "clap_audio_model"
    kind = transformers.ClapAudioConfig if is_audio_side else transformers.AutoConfig
    config = kind.from_pretrained(name, **options)
    if config.model_type != "clap":
        return config
    config.audio_config.architectures = config.architectures
    return config.audio_config


def make_config(settings):
    """Return the configuration that ``to_dict`` was called on."""
    settings = dict(settings)
    kind = settings.pop("model_type")
    if kind == "clap_audio_model":
        return transformers.ClapAudioConfig(**settings)
    return transformers.AutoConfig.for_model(kind, **settings)
