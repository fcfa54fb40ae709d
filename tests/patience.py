"""How long a test waits for what must come: it bounds what hangs, and says nothing about how fast anything is."""

PATIENCE_S = 90
