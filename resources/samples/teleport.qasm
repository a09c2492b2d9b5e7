// Teleportation: the state of qubit 0 arrives at qubit 2, and undoing its preparation there gives 0
OPENQASM 3.0;
include "stdgates.inc";
qubit[3] q;
bit[2] m;
bit[1] out;
ry(pi / 3) q[0];
rz(pi / 5) q[0];
barrier q;
h q[1];
cx q[1], q[2];
cx q[0], q[1];
h q[0];
m[0] = measure q[0];
m[1] = measure q[1];
if (m[1]) { x q[2]; }
if (m[0]) { z q[2]; }
barrier q;
rz(-pi / 5) q[2];
ry(-pi / 3) q[2];
out[0] = measure q[2];
