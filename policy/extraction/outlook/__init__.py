"""Outlook's own files: messages (msg) and winmail.dat.

Takes the streams of a message. Gives its texts in all their forms, and its attachments to the reader of files.
Start reading in `msg.py`.

What is where:

- files: `msg`, `tnef` (winmail.dat)
- shared: `mapi` (properties), `lzfu` (packed RTF)
"""
