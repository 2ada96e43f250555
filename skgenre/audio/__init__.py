"""Read audio files, and find what is wrong with them."""

from ._errors import AudioError
from ._faults import find_faults
from ._load import load_audio, read_blocks

__all__ = ["AudioError", "find_faults", "load_audio", "read_blocks"]
