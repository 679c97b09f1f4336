"""What each path answers; one module per protocol."""
