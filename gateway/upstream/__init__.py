"""Upstream: each device identity with a connection of its own, its messages in order, gone when acknowledged."""
