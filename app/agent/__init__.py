"""The program on an edge node; works with nobody connected."""
