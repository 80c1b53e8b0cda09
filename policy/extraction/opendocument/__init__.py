"""OpenDocument: odt, ods, odp and the like.

Takes a file, or the trees of one. Gives its texts as displayed, hidden and deleted ones too, and the files in it.
Start reading in `file.py`.

What is where:

- a file: `file` (all of it), `text`, `sheets`, `styles` (what they hide and number), `formats` (of numbers and dates)
"""
