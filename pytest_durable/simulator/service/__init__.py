"""The durable execution service as pure functions: told the time, they return what follows.

Nothing here reads a clock, blocks, or changes what it is given; the loop applies what is returned.
"""
