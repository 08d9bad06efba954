"""The simulator: a deterministic discrete-event simulation of the durable execution service.

It owns time, the order in which things happen, chance, and every invocation of the handler. Start
reading at `loop`.
"""
