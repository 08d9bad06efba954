"""What happened in an execution: events, their log, and the operations that they fold into.

Nothing here or above it knows whether the events come from the simulator or from a deployed function.
"""
