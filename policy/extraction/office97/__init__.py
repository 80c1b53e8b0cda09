"""Documents of Office 97 to 2003, and whatever else is kept in an OLE container.

Takes a file. Gives the texts of its streams, those deleted and hidden too, and the files in it.
Start reading in `ole.py`.

What is where:

- the container: `ole` (who reads it), `propertysets`, `macros`, `equations`, `locked` (with a password)
- documents: `word`, `excel` (its records: `biff`), `powerpoint` (runs of its texts: `slidetexts`)
"""
