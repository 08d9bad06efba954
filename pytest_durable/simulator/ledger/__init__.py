"""The ledger: what handlers have done to the world outside, and what a test may demand of it."""
