"""Exploration: which plans to run, and what to make of those that fail.

It knows nothing of pytest or the simulator: it is handed a function that runs a test under a plan, and
reads what that came to (`trial.Trial`).
"""
