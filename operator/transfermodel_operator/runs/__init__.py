"""Training runs: what identifies one, what its Jobs and pods say, and when it is tried again; pure."""
