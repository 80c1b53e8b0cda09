"""Keys, sealing and tokens.

Takes bytes and what they are bound to. Gives sealed bytes, wrapped keys, random tokens and their digests; remembers,
sealed, what was worked out about bytes that come again (`remembered.py`).
Knows nothing of mail, of databases, or of who asks.
What a release of this package sealed, every later one opens: the format number beside each wrapped key says how.
Start reading in `sealing.py`.
"""
