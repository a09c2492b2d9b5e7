"""The hub: one engine served to many consoles as the peer they sync with."""
