"""A page that tells the genre of music in the browser, and the few lines that serve it."""

from ._files import collect_files, export_page
from ._serve import make_server

__all__ = ["collect_files", "export_page", "make_server"]
