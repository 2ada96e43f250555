"""The command `skgenre`, with a module for each of its commands."""

from ._app import main

__all__ = ["main"]
