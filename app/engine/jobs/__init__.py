"""Durable jobs and the pool of worker processes."""
