"""Files to waveforms."""

from ._errors import AudioError
from ._load import load_audio, read_blocks

__all__ = ["AudioError", "load_audio", "read_blocks"]
