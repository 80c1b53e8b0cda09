"""The database and the blob files.

Takes values and transactions. Gives values back: frozen dataclasses, never rows, sessions or lazy loading.
Knows nothing of SMTP, policy or pages.
Start reading in `schema.py`, which is the data dictionary, then `database.py`.
"""
