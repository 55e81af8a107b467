"""Pages, plots and pictures of what came out."""
