"""What is not run where torch is not installed."""

from importlib.util import find_spec

import pytest

HAS_TORCH = find_spec("torch") is not None
# Importing its modules needs torch, and it has no examples.
collect_ignore = [] if HAS_TORCH else ["skgenre/_pretrained"]


def pytest_collection_modifyitems(items):
    """Skip the examples of pretrained models."""
    for item in items:
        if (
            not HAS_TORCH
            and isinstance(item, pytest.DoctestItem)
            and any("transformers" in example.source for example in item.dtest.examples)
        ):
            item.add_marker(pytest.mark.skip(reason="torch is not installed"))
