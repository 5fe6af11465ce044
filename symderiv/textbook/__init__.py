"""Where models come from: factories, a builder, model files and the shipped examples."""
