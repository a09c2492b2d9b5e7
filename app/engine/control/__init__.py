"""Controllers for resources, and the resources they steer."""
