"""What a benchmark ran on, for the first line of its output."""

import os
import platform

from skgenre._base import installed_versions


def describe_machine(*packages):
    """Return the machine and the versions of Python, of packages and of skgenre in one line."""
    installed = installed_versions((*packages, "skgenre"))
    versions = [f"{package} {version}" for package, version in installed.items()]
    python = f"Python {platform.python_version()}"
    return ", ".join([platform.machine(), f"{os.cpu_count()} processors", python, *versions])
