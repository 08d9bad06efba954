"""Strategies for the choices of a run, one in each module."""
