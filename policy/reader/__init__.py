"""From the bytes of a message to its headers and the contents of its parts, in every way that a program may read them.

Takes raw bytes (RFC 5322, RFC 2045) and Limits.
Gives a MimeReading: headers and names decoded, and Leaves: the bytes of each part, decoded, with what was declared.
Knows nothing of what lies inside a leaf (policy/extraction does), and nothing of policies or files on disk.
Start reading in `mime.py`.

What is where:

- a message taken apart: `mime`, `fields` (headers), `boundaries` (parts), `limits`, `turns` (megabytes, some at a time)
- what headers say: `words`, `parameters`, `mailboxes`
- bytes of a part: `transfer`, `charsets`, `charsetnames`; references of HTML and XML: `references`
- wrappings: `unwrapped`, `cms` (S/MIME), `openpgp`
- files written in a text: `telltales` (whether there may be any), `written`, `coded` (what is left of the text)
"""
