"""The SMTP door: speaks with mail servers and clients, and lets in what it may.

Takes connections, the listeners' settings and a `Taker` (`reception.py`; the real one is `gateway.intake.Intake`).
Gives the Taker an Envelope and the raw message with our Received line on top; its Reply goes back to the client.
Knows nothing of policy, queue or content: a message is bytes that end with CRLF.CRLF.
Start reading in `listener.py`, then `conversation.py` and `session.py`; `commands.py` and `data.py` are pure.

What is where:

- doors: `listener`, `settings`, `certificates`
- what sessions share: `reception`, `crowd` (how many there are), `budget` (memory)
- a session: `conversation` (its life), `session` (what commands do), `commands` (what they say), `replies`, `wire`
- a message: `transfer` (from 354 to the last reply), `data` (its bytes), `received` (our line on top)
- who may: `admission`, `signin` (AUTH), `logins` (passwords), `rates`
"""
