"""What the fleet asks of the operating system: real agent processes on this machine."""
