"""Random workflows against a model of what each must come to."""
