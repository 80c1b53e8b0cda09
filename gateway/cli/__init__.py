"""The command line, a file a command group.

Takes arguments and a configuration. Gives text for people, or with --json one object a line; exit 0, 1 or 2.
Knows nothing of how things are done: every command calls one service and prints what it gave.
Start reading in `main.py`.
"""
