"""Links to nodes: identities, pairing, signed requests, cursors."""
