"""The corpus: one module for each theme."""
