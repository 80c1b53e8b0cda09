"""The guest's site: the envelope behind a link, the letter with its documents, the answer.

Takes requests of people who were invited. Gives pages, documents in pieces, and answers sealed while they arrive.
Knows nothing of owners and admins, nor of how codes and passwords are checked.
Start reading in `landing.py`, then `letter.py`.
"""
