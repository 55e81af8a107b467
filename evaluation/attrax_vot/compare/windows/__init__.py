"""Comparison of arms by short runs without resets, which start every few frames of a sequence."""
