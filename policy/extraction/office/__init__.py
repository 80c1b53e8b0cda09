"""Office documents (OOXML): docx, xlsx, pptx, and XPS.

Takes a file. Gives the texts of every part that can hold words, and the files in it.
Start reading in `file.py`.

What is where:

- a file: `file` (all of it), `packages` (which part is which), `charts`, `boxes` (where they stand), `xps`
- Word: `paragraphs`, `wordstyles`, `wordshown`, `bindings`, `fields`
- Excel: `sheets`, `workbooks`, `binarybook` (xlsb)
- PowerPoint: `slides`, `bullets` (what stands in front of paragraphs)
"""
