"""Genres in the tags of files: written, and taken back to the bit."""

from ._run import FIELDS, TagChange, apply, choose, look_at, undo

__all__ = ["FIELDS", "TagChange", "apply", "choose", "look_at", "undo"]
