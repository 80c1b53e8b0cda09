"""From the bytes of a message to its headers and the contents of its parts, in every way a program could read them.

Takes raw bytes (RFC 5322, RFC 2045) and Limits.
Gives a MimeReading: headers and names decoded, and Leaves: the bytes of each part, decoded, with what was declared.
Knows nothing of what lies inside a leaf (policy/extraction does), and nothing of policies or files on disk.
Start reading in `mime.py`.
"""
