"""Methods made for one domain, for the problems where a QUBO is the wrong tool."""
