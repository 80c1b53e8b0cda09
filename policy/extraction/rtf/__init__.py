"""RTF: what is displayed, what is hidden, and the files packed in it.

Takes a file. Gives its texts, and the files in it to the reader of files.
Start reading in `file.py`.

What is where:

- a file: `file` (all of it), `shown` (its text), `tables` (charsets and colours), `words` (of RTF by what they do),
  `state` (what holds within a group), `lists` (numbers in front), `boxes` (where they stand)
"""
