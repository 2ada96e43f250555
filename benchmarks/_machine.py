"""What a benchmark ran on, for the first line of its output."""

import os
import platform
from importlib.metadata import version


def describe_machine(*packages):
    """Return the machine and the versions of Python, of packages and of skgenre in one line."""
    versions = [f"{package} {version(package)}" for package in (*packages, "skgenre")]
    python = f"Python {platform.python_version()}"
    return ", ".join([platform.machine(), f"{os.cpu_count()} processors", python, *versions])
