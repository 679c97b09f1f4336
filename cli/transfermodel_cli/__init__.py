"""The `transfermodel` command: it reads arguments, calls the library `transfermodel`, and prints."""
