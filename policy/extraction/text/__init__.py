"""Plain text, and what texts of every format share: how they are displayed, and numbers written in odd ways.

Takes characters, or bytes with a charset. Gives the texts that a person would see. Knows nothing of documents.
Start reading in `plain.py`.

What is where:

- plain text: `plain`, `spelling` (numbers), `codes` (of signs), `gates` (whether a close look can find any), `around`
  (where), `cards` (calendars, business cards)
- more than one text: `tables` (neighbouring cells), `neighbours` (shown below each other), `pieces` (shown and hidden)
- other bytes and texts: `runs` (readable characters in whatever bytes), `tagged` (texts shown as pages)
"""
