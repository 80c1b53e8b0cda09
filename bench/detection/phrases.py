"""The sentences, forms and tables in which people write numbers, and those in which other numbers stand.

`{n}` is what the number is called, `{v}` the number, `{k}` its name as a program's key.
"""

import random
import re

_ANY = (
    "{n}: {v}",
    "{n} {v}",
    "{n}:{v}",
    "{n} - {v}",
    "{n}\n{v}",
    "{n}\t{v}",
    "{n} = {v}",
    "{k}={v}",
    "{n}: *{v}*",
    "- {n}: {v}",
    '{{"{k}": "{v}"}}',
    "<{k}>{v}</{k}>",
    "{n} ({v})",
    "| {n} | {v} |",
    "> {n}: {v}",
    "{n} ....... {v}",
    "{n}: [{v}]",
    "Name: Jane Doe\n{n}: {v}\nCity: Springfield",
    "ID 7\n{n}: {v}\nStatus: open\n",
    "Jane Doe, {n} {v}",
    "Fwd: {n} {v}",
)
_TABLES = (
    "name,{n},city\nJane Doe,{q},Springfield\nJohn Roe,n/a,Shelbyville\n",
    "name;{n};city\nJane Doe;{q};Springfield\n",
    "Name\t{n}\tCity\nJane Doe\t{v}\tSpringfield\nJohn Roe\t-\tShelbyville\n",
    "| Name | {n} | City |\n| --- | --- | --- |\n| Jane Doe | {v} | Springfield |\n",
    '"Name","{n}"\n"Doe, Jane","{v}"\n',
    "{n}\tName\n{v}\tDoe\n",
)
_SENTENCES = {
    "en": (
        "My {n} is {v}.",
        "Hi Tom,\n\nthe {n} you asked for is {v}. Can you enter it today?\n\nThanks\nAnna",
        "We still need the signed form; the {n} {v} is on file.",
        "Jane Doe ({n} {v}) called this morning.",
        "Please update our records with {n} {v} before Friday.",
        "Could you check {n} {v} for me?",
        "Her {n} was {v} when she left us.",
        "I think the {n} is {v}, but please confirm.",
        "Per our call: {n} {v}. Let me know if that does not work.",
        "For the application use {n}: {v} and sign on page 2.",
        "The {n} on the card reads {v}.",
        "Attached is the file for {n} {v}.",
    ),
    "de": (
        "Meine {n} lautet {v}.",
        "Hallo Herr Meier,\n\ndie {n} ist {v}. Bitte tragen Sie sie ein.\n\nViele Grüße\nAnna",
        "Für den Antrag brauchen wir die {n} {v} und eine Unterschrift.",
        "Frau Doe ({n} {v}) hat heute angerufen.",
        "Bitte prüfen Sie die {n} {v} bis Freitag.",
    ),
    "fr": (
        "Mon {n} est le {v}.",
        "Bonjour,\n\nvoici le {n} demandé : {v}.\n\nCordialement\nAnne",
        "Merci de vérifier le {n} {v} avant vendredi.",
        "Mme Dupont ({n} {v}) a appelé ce matin.",
    ),
    "es": (
        "Mi {n} es {v}.",
        "Hola,\n\nel {n} que pediste es {v}.\n\nSaludos\nAna",
        "Don Juan Pérez, con {n} {v}, firmó el contrato.",
        "Por favor, comprueba el {n} {v} antes del viernes.",
    ),
    "it": (
        "Il mio {n} è {v}.",
        "Buongiorno,\n\nil {n} richiesto è {v}.\n\nCordiali saluti\nAnna",
        "Il signor Rossi, {n} {v}, ha firmato.",
        "Si prega di controllare il {n} {v} entro venerdì.",
    ),
    "nl": (
        "Mijn {n} is {v}.",
        "Beste Jan,\n\nhet {n} is {v}. Kun je dat invoeren?\n\nGroeten\nAnna",
        "Mevrouw Jansen ({n} {v}) belde vanmorgen.",
        "Graag het {n} {v} controleren voor vrijdag.",
    ),
    "pt": (
        "Meu {n} é {v}.",
        "Olá,\n\no {n} pedido é {v}.\n\nAbraços\nAna",
        "O senhor João Silva, {n} {v}, assinou o contrato.",
        "Favor conferir o {n} {v} até sexta-feira.",
    ),
}
_BARE = (
    "{v}",
    "{v}\n",
    "Here it is: {v}",
    "As discussed, {v}.",
    "Jane Doe\n{v}\n12 Main St",
    "Use {v} please",
    "{v} is the one you want.",
    "ok {v} thanks",
)
_OTHERS = (
    "Your order {v} has shipped and arrives on Tuesday.",
    "Invoice {v} is due on Friday.",
    "Tracking number: {v} (UPS Ground)",
    "Ticket {v} was closed by the help desk.",
    "Part no. {v}, quantity 4, in stock",
    "Serial number {v} of the printer in room 2",
    "SKU {v} is out of stock",
    "Your confirmation code is {v}",
    "Our purchase order {v} of 12 March",
    "Build {v} passed all tests",
    "Model {v}, black, with charger",
    "Batch {v} left the plant today",
    "item,sku,qty\nPump,{q},3\n",
    "Order number: {v}",
    "Catalogue no. {v}",
    "Job {v} finished after 3 hours",
    "Delivery note {v}",
    "Firmware {v} is available for download",
)


def found(rng: random.Random, language: str, name: str, value: str) -> str:
    """The value where its name stands with it."""
    kind = rng.random()
    forms = _SENTENCES[language] if kind < 0.5 else _ANY if kind < 0.8 else _TABLES
    if "\n" in value or len(value) > 100:
        forms = _ANY[:5]
    return _filled(rng.choice(forms), rng.choice((name, name, name[0].upper() + name[1:], name.upper())), value)


def bare(rng: random.Random, value: str) -> str:
    """The value alone."""
    return _filled(rng.choice(_BARE), "", value)


def other(rng: random.Random, value: str) -> str:
    """Something of the same form that is something else."""
    return _filled(rng.choice(_OTHERS), "", value)


def shaped_like(rng: random.Random, value: str) -> str:
    """Other digits and letters in the same places."""
    made = re.sub("[0-9]", lambda _: rng.choice("0123456789"), value)
    made = re.sub("[A-Z]", lambda _: rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ"), made)
    return re.sub("[a-z]", lambda _: rng.choice("abcdefghjkmnprstuvwxyz"), made)


def _filled(form: str, name: str, value: str) -> str:
    key = re.sub("[^a-z0-9]+", "_", name.lower()).strip("_") or "value"
    quoted = f'"{value}"' if re.search("[,;]", value) else value
    return form.format(n=name, v=value, k=key, q=quoted)
