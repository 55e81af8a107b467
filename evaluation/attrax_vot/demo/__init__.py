"""A small dataset rendered from nothing: exact ground truth, and nothing to download."""

from attrax_vot.demo.dataset import render_dataset

__all__ = ["render_dataset"]
