"""What crosses a process or a network: typed records, seals and signatures."""
