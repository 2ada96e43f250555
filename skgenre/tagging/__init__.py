"""Genres in the tags of audio files, written and undone without loss."""

from ._run import FIELDS, TagChange, apply, choose, look_at, undo

__all__ = ["FIELDS", "TagChange", "apply", "choose", "look_at", "undo"]
