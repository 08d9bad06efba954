"""Checkers: properties that hold in every run, one in each module, checked after every event.

They look at what the service does from outside and share no code with it, so that a mistake there shows.
"""
