"""From a message to a decision for each of its recipients.

Takes an envelope, the raw message, the policy an admin wrote, and a Directory of our domains and our partners.
Gives content, findings, and for each recipient a Decision: action, route, rule, reasons, policy digest.
Knows nothing of sockets, files, clocks or databases: what needs those is handed in as a value or behind a Protocol.
Start reading in `engine.py`.

What is where:

- values that travel: `message` (envelope and message), `decision`, `route`, `problem` (mistakes in files that people
  write)
- reading mail: `reader/` (MIME), `extraction/` (texts of parts and files); marks of the sender: `intent`
- the policy's file: `language` (rules), `clauses` (their conditions), `cases` (its tests), `passwords`; what these read
  with: `source`, `units`, `domains`, `patterns`
- deciding: `engine`, `conditions`, `nesting`
- trying it out: `trial` (the tests), `nearness` (by how much a rule did not apply), `idle` (rules that never apply)
"""
