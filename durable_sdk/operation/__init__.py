"""One module for each kind of operation: what a recorded state means for it, and how it runs."""
