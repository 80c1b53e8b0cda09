"""Telephones: codes that go to one as a text, or are spoken on a call, by whatever provider the admin has.

Takes a number, a code and a way. Gives whether the provider took it.
Knows nothing of boxes and guests, and never writes a number or a code into a log.
Start reading in `sending.py`.
"""
