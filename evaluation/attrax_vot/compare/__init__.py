"""Variants of a tracker side by side, as the paper's tables show them."""
