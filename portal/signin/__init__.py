"""How a guest proves who they are: by a code, an answer, or the account they made, with a password or a passkey.

Takes forms. Gives sessions: by account for every box of one address, by any other way for one box.
Knows nothing of what is in a box, and nothing of how pages look.
Start reading in `codes.py`.
"""
