"""Training: data, runs and their checkpoints, pictures, a page."""
