"""Datasets in the layouts of other benchmarks, brought into the toolkit's."""
