"""Transitions: one module for each type of operation.

``apply`` tells what an update of the SDK does to an operation, ``fire`` what a timer of the service does.
"""
