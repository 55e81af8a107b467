"""Variants of a tracker side by side: arms that anyone names, and those of the paper's tables."""
