"""The replay check: what a handler calls when it runs again over each prefix of what it has recorded.

A replay runs the handler in a world of its own, over the operations as they stood at some moment, until it
comes to something that was not finished then. Nothing is recorded, and no body of a step runs. What it calls,
and where it ends, is compared with what the run called that made the record.
"""
