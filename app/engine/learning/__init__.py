"""Federated learning: strategies, local training, simulation."""
