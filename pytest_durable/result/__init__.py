"""What a test sees of an execution: its outcome, its operations, its invocations, its timeline.

Everything here is derived from the event log, so a result is the same for every backend.
"""
