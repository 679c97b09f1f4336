"""Checks what can be checked of the documentation: links, commands, files that are named, YAML and Python in it."""
