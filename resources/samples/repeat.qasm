// Repeat until success: measure an ancilla until it shows 0, then mark the data qubit
OPENQASM 3.0;
include "stdgates.inc";
qubit[2] q;
bit[1] try;
bit[1] data;
h q[0];
try[0] = measure q[0];
while (try[0]) {
  reset q[0];
  h q[0];
  try[0] = measure q[0];
}
for int k in [1:4] {
  rx(pi / 4) q[1];
}
if (try == 0) {
  data[0] = measure q[1];
}
