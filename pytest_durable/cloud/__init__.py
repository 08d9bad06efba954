"""The cloud: the same calls and results as the simulator's, for a function that is deployed.

Nothing here imports the simulator, nor the other way round: what both make is a log, and results begin there.
"""
