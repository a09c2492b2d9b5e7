"""What speaks to Qiskit, Aer and the OpenQASM 3 parser; imported on first use, in workers."""
