"""Programs that read calendars, cards, directory entries and data from their standard input, by media type."""

PYTHON = "/usr/bin/python3"
VOBJECT = """
import sys, vobject
def show(value):
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
data = sys.stdin.read()
for one in vobject.readComponents(data, allowQP="QUOTED-PRINTABLE" in data):
    for part in [one, *one.components()]:
        for line in part.lines(): print(show(line.value))
"""
ICALENDAR = """
import base64, sys, icalendar
for part in icalendar.Calendar.from_ical(sys.stdin.buffer.read()).walk():
    for name, value in part.property_items():
        data = value.to_ical() if hasattr(value, "to_ical") else str(value).encode()
        print(value, data.decode("utf-8", "replace"))
        if "BASE64" in str(getattr(value, "params", "")): print(base64.b64decode(data).decode("utf-8", "replace"))
"""
ICALJS = """
const parsed = require("ical.js").parse(require("fs").readFileSync(0, "utf-8"));
const show = (part) => { part[1].forEach((line) => console.log(line[1].encoding === "BASE64"
  ? Buffer.from(line[3], "base64").toString() : line.slice(3).join(" "))); part[2].forEach(show); };
show(parsed);
"""
PYTHON_LDAP = """
import sys, ldif
reader = ldif.LDIFRecordList(sys.stdin.buffer)
reader.parse()
for _, entry in reader.all_records:
    for values in entry.values(): print(*(value.decode("utf-8", "replace") for value in values))
"""
NET_LDAP = """
my $ldif = Net::LDAP::LDIF->new("-", "r");
while (my $entry = $ldif->read_entry) { print join(" ", map { $entry->get_value($_) } $entry->attributes), " "; }
"""
VCARD = """
my $book = Text::vCard::Addressbook->new({ "source_text" => do { local $/; <STDIN> } });
for my $card ($book->vcards) { print $card->note, " "; }
"""
JSON = """
import json, sys
for value in json.load(sys.stdin).values(): print("".join(value))
"""
TEXT_OF = "w3m -dump -T text/html"  # what a program makes of a page that it found
LESS = "less -R | sed 's/.\\x08//g; s/\\x1b\\[[0-9;]*m//g'"
ELEMENTS = """
import sys, xml.etree.ElementTree as tree
print("".join(tree.fromstring(sys.stdin.buffer.read()).itertext()))
"""
# What each is called: the program, the media types, its words.
COMMANDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "vobject": (PYTHON, "calendar|vcard", (PYTHON, "-c", VOBJECT)),
    "icalendar": (PYTHON, "calendar", (PYTHON, "-c", ICALENDAR)),
    "ical.js": ("node", "calendar|vcard", ("node", "-e", ICALJS)),
    "vobject and w3m": (PYTHON, "calendar", ("sh", "-c", f"{PYTHON} -c '{VOBJECT}' | {TEXT_OF}")),
    "icalendar and w3m": (PYTHON, "calendar", ("sh", "-c", f"{PYTHON} -c '{ICALENDAR}' | {TEXT_OF}")),
    "python-ldap": (PYTHON, "ldif", (PYTHON, "-c", PYTHON_LDAP)),
    "net-ldap": ("perl", "ldif", ("perl", "-MNet::LDAP::LDIF", "-e", NET_LDAP)),
    "jq": ("jq", "json", ("jq", "-j", '.. | strings, (arrays | map(tostring) | join(""))')),
    "python-json": (PYTHON, "json", (PYTHON, "-c", JSON)),
    "xmllint": ("xmllint", "xml", ("xmllint", "--noent", "--xpath", "string(/)", "-")),
    "python-xml": (PYTHON, "xml", (PYTHON, "-c", ELEMENTS)),
    "rsvg": ("rsvg-convert", "svg", ("sh", "-c", "rsvg-convert -f pdf | pdftotext -layout - -")),
    "text-vcard": ("perl", "vcard", ("perl", "-MText::vCard::Addressbook", "-e", VCARD)),
    "col": ("col", "text/plain", ("col", "-bx")),
    "aha": ("aha", "text/plain", ("sh", "-c", f"aha | {TEXT_OF}")),
    "less": ("less", "text/plain", ("sh", "-c", LESS)),
    "pandoc": ("pandoc", "markdown", ("pandoc", "-f", "markdown", "-t", "plain")),
    "commonmark": ("cmark", "markdown", ("sh", "-c", f"cmark | {TEXT_OF}")),
}
