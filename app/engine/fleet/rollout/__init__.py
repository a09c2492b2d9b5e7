"""Rollouts as pure functions: states as data, transitions, gates, plans and a simulator."""
