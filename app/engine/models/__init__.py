"""The registry of models and their artifacts."""
