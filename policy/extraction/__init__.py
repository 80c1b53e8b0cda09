"""From bytes of any type to the texts and files a person would see in them.

Takes a name, bytes, what was declared of them, and a Budget.
Gives Content: parts with a place a person can find, and a fact for every file, readable or not.
Knows nothing of child processes and clocks: the caller sets the time limit; counts and bytes are limited here.
Start reading in `extract.py`.

What is where:

- the way in: `message` (a whole mail), `kind` (what a file is), `extract` (who reads it), `documents` (readers
  that are loaded on use), `collected` (what comes out), `passwords` (that a mail names)
- of whole mails: `mailboxes` (many in one file), `borrowed` (what parts lend each other), `wrappings` (signed,
  compressed, written in a text)
- formats that one module reads: `pictures`, `xmlsource`, `flat` (documents in one XML file)
- shared by readers of documents: `xmltext`; OLE containers: `compound` (what is in them), `streams`
- texts: `text/`; what cells of sheets show: `cells/`; pages and their style sheets: `html/`; zip, tar and others:
  `archives/`
- documents: `office/` (docx, xlsx, pptx), `office97/` (doc, xls, ppt), `opendocument/`, `rtf/`, `pdf/`; of mail
  programs: `outlook/` (msg, winmail.dat)

The folders use each other one way: text, cells, html, archives, outlook, office97, office, then opendocument and rtf;
a later one may import an earlier one.
"""
