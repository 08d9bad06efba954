"""The version of durable_sdk; the build reads it from here."""

__version__ = "0.1.0"
