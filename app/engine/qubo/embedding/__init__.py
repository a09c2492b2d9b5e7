"""A problem on the fixed graph of an annealing device: each variable becomes a chain of qubits."""
