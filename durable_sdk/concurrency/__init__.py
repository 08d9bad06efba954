"""Branches that run at the same time: what runs them, and what becomes of them."""
