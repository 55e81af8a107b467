"""From trajectories to numbers: the toolkit's analyses, published results, OTB's measures."""
