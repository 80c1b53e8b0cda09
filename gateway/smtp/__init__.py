"""The SMTP door: speaks with mail servers and clients, and lets in what it may.

Takes connections, the listeners' settings and somebody who takes finished messages (`session.Taker`).
Gives that one an Envelope and the raw message with our Received line on top, and the client the Reply it got back.
Knows nothing of policy, queue, keys or content: a message is bytes that end with CRLF.CRLF.
Start reading in `listener.py`, then `session.py`; `commands.py` and `data.py` are pure.
"""
