"""One module a command. Each imports only typer and what prints; the work is imported when it is done."""
