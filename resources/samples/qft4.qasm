// Quantum Fourier transform of four qubits, written with loops
OPENQASM 3.0;
include "stdgates.inc";
const int n = 4;
qubit[n] q;
for int i in [1:n] {
  h q[n - i];
  for int j in [1:n - i] {
    cp(pi / 2 ** j) q[n - i - j], q[n - i];
  }
}
swap q[0], q[3];
swap q[1], q[2];
