"""Numbered steps from each schema to the next, forward only, run by `delivery.store.upgrade`.

Takes a connection. Gives a database whose tables are those of `delivery.store.schema`.
Knows nothing of what the tables are for: a step is frozen once released, and imports nothing of this project.
Start reading in `env.py`.
"""
