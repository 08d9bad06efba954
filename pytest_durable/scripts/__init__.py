"""What a test decides beforehand of operations, by their names: the same calls on every backend."""
