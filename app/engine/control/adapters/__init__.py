"""Real resources behind the one contract `base.contracts.Resource`."""
