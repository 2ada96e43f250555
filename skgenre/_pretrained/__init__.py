"""Pretrained models of audio, over transformers and torch, which are imported here and only here.

Nothing in this folder is imported before a model is needed.
"""
