"""Numbers of countries made from their published forms: right ones, and ones that only look like it."""

import random
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final

from rules.checks import CHECKS
from rules.verdict import Verdict
from rules.world.arithmetic import compact

_LETTERS: Final = "ABCDEFGHJKLMNPRSTUVWXYZ"
_DATES: Final = {
    "yyyymmdd": "19{year:02}{month:02}{day:02}",
    "ddmmyy": "{day:02}{month:02}{year:02}",
    "yymmdd": "{year:02}{month:02}{day:02}",
    "yy.mm.dd": "{year:02}.{month:02}.{day:02}",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of number. In a shape 9 is a digit, # a letter, ? either, and dates stand as yymmdd and so on."""

    detector: str
    check: str
    names: tuple[str, ...]
    shapes: tuple[str, ...]
    stdnum: str = ""  # the module that knows it, too
    alone: bool = False  # it counts without its name
    certain: bool = False  # it counts whatever stands beside it
    named: str = ""  # the check that is enough behind its name, where that is another

    @cache  # noqa: B019  # the kinds live as long as the tests
    def numbers(self, count: int) -> list[str]:
        """So many that pass the check, in its shapes by turns; the same ones each time."""
        made: list[str] = []
        rng = random.Random(self.detector)
        while len(made) < count:
            number = _filled(rng, self.shapes[len(made) % len(self.shapes)])
            if CHECKS[self.check].test(number) is Verdict.YES and number not in made:
                made.append(number)
        return made

    def guesses(self, count: int) -> list[str]:
        """Numbers of the shapes, right or wrong."""
        rng = random.Random(self.check)
        return [_filled(rng, self.shapes[place % len(self.shapes)]) for place in range(count)]

    def is_valid(self, number: str) -> bool:
        """What python-stdnum says."""
        return bool(
            import_module(f"stdnum.{self.stdnum}").is_valid(number if "-" in self.shapes[0] else compact(number))
        )

    def spoilt(self, number: str) -> str:
        """The number with one digit or letter changed so that the check fails."""
        for place in range(len(number) - 1, -1, -1):
            among = "0123456789" if number[place].isdigit() else _LETTERS if number[place].isalpha() else ""
            for char in among:
                other = number[:place] + char + number[place + 1 :]
                if CHECKS[self.named or self.check].test(other) is Verdict.NO:
                    return other
        return number[:-1]  # a form without a check


def _filled(rng: random.Random, shape: str) -> str:
    date = {"day": rng.randint(1, 28), "month": rng.randint(1, 12), "year": rng.randint(55, 95)}
    for sign in _DATES:
        if sign in shape:
            shape = shape.replace(sign, "\0", 1)
            break
    among = {"9": "0123456789", "#": _LETTERS, "?": "0123456789" + _LETTERS}
    filled = "".join(rng.choice(among[char]) if char in among else char for char in shape)
    return filled.replace("\0", _DATES[sign].format(**date)) if "\0" in shape else filled


KINDS: Final = (
    Kind(
        "uk.nhs",
        "uk_nhs",
        ("NHS number", "NHS no.", "CHI number"),
        ("499 999 9999", "6999999999", "799-999-9999"),
        "gb.nhs",
    ),
    Kind(
        "uk.nino",
        "uk_nino",
        ("National Insurance number", "NINO", "NI number"),
        ("AB999999C", "CE 99 99 99 A", "JM999999D"),
        alone=True,
    ),
    Kind("uk.utr", "uk_utr", ("UTR", "Unique Taxpayer Reference"), ("9999999999", "99999 99999"), "gb.utr"),
    Kind(
        "uk.driver_license",
        "uk_driver_license",
        ("driving licence", "DVLA number"),
        ("#####951159##9##", "#####906019##9##"),
        alone=True,
    ),
    Kind("ie.pps", "ie_pps", ("PPS number", "PPSN"), ("9999999#", "9999999#A"), "ie.pps"),
    Kind(
        "de.steuer_id",
        "de_steuer_id",
        ("Steuer-ID", "Steueridentifikationsnummer", "IdNr."),
        ("99 999 999 999", "99999999999"),
        "de.idnr",
    ),
    Kind(
        "de.svnr",
        "de_svnr",
        ("Sozialversicherungsnummer", "RV-Nummer"),
        ("65ddmmyy#999", "12 ddmmyy # 999"),
        alone=True,
    ),
    Kind("de.kvnr", "de_kvnr", ("Krankenversichertennummer", "Versichertennummer"), ("#999999999",)),
    Kind(
        "de.personalausweis", "de_personalausweis", ("Personalausweis", "Ausweisnummer"), ("L99C99T999", "T999999999")
    ),
    Kind("de.passport", "de_passport", ("Reisepass", "Passnummer"), ("C99X99T999", "F99H99K999")),
    Kind("at.svnr", "at_svnr", ("SVNR", "Sozialversicherungsnummer"), ("9999 ddmmyy", "9999ddmmyy"), "at.vnr"),
    Kind("ch.ahv", "ch_ahv", ("AHV-Nr.", "numéro AVS"), ("756.9999.9999.99", "7569999999999"), "ch.ssn", alone=True),
    Kind(
        "fr.nir",
        "fr_nir_key",
        ("numéro de sécurité sociale", "NIR"),
        ("1 85 05 99 199 999 99", "290112A19999999", "1 77 12 2B 199 999 99"),
        "fr.nir",
        alone=True,
    ),
    Kind("fr.numero_fiscal", "fr_numero_fiscal", ("numéro fiscal", "SPI"), ("1999999999999",), "fr.nif"),
    Kind("fr.passport", "fr_passport", ("passeport", "n° de passeport"), ("99##99999",)),
    Kind("nl.bsn", "nl_bsn", ("BSN", "burgerservicenummer"), ("999999999", "9999.99.999"), "nl.bsn"),
    Kind("be.rrn", "be_rrn", ("rijksregisternummer", "numéro national"), ("yy.mm.dd-999.99", "yymmdd99999"), "be.nn"),
    Kind("lu.matricule", "lu_matricule", ("matricule",), ("yyyymmdd99999",)),
    Kind("es.dni", "es_dni", ("DNI", "NIF"), ("99999999#", "99.999.999-#"), "es.dni", alone=True),
    Kind("es.nie", "es_nie", ("NIE",), ("X9999999#", "Y-9999999-#"), "es.nie", alone=True),
    Kind("es.nuss", "es_nuss", ("número de la Seguridad Social", "NUSS"), ("289999999999", "28/99999999/99")),
    Kind("pt.nif", "pt_nif", ("NIF", "número de contribuinte"), ("299999999", "199 999 999"), "pt.nif"),
    Kind("pt.cc", "pt_cc", ("cartão de cidadão",), ("99999999 9 ##9",), "pt.cc", alone=True),
    Kind(
        "it.codice_fiscale",
        "it_codice_fiscale",
        ("codice fiscale", "C.F."),
        ("######99T10A999#", "######9LA51#9N9#"),
        "it.codicefiscale",
        alone=True,
        certain=True,
    ),
    Kind("it.identity_card", "it_identity_card", ("carta d'identità",), ("CA99999##", "AX9999999")),
    Kind("gr.amka", "gr_amka", ("ΑΜΚΑ", "AMKA"), ("ddmmyy99999",), "gr.amka"),
    Kind("gr.afm", "gr_afm", ("ΑΦΜ", "AFM"), ("099999999", "199999999"), "gr.vat"),
    Kind("tr.kimlik", "tr_kimlik", ("T.C. Kimlik No", "TCKN"), ("19999999999",), "tr.tckimlik"),
    Kind("il.id", "il_id", ("Teudat Zehut", "תעודת זהות"), ("399999999",), "il.idnr"),
    Kind("dk.cpr", "dk_cpr", ("CPR", "CPR-nummer"), ("ddmmyy-1999", "ddmmyy1999")),
    Kind(
        "se.personnummer",
        "se_personnummer",
        ("personnummer",),
        ("yymmdd-9999", "yyyymmdd-9999", "yymmdd9999"),
        "se.personnummer",
    ),
    Kind(
        "no.fodselsnummer",
        "no_fodselsnummer",
        ("fødselsnummer", "fnr"),
        ("ddmmyy 19999", "ddmmyy19999"),
        "no.fodselsnummer",
    ),
    Kind("fi.hetu", "fi_hetu", ("henkilötunnus", "HETU"), ("ddmmyy-199?",), "fi.hetu", alone=True),
    Kind("is.kennitala", "is_kennitala", ("kennitala",), ("ddmmyy-9999",), "is_.kennitala"),
    Kind("ee.isikukood", "ee_isikukood", ("isikukood",), ("3yymmdd9999",), "ee.ik"),
    Kind("lt.asmens_kodas", "ee_isikukood", ("asmens kodas",), ("4yymmdd9999",), "lt.asmens"),
    Kind("lv.personas_kods", "lv_personas_kods", ("personas kods",), ("ddmmyy-19999", "329999-99999"), "lv.pvn"),
    Kind("pl.pesel", "pl_pesel", ("PESEL",), ("yymmdd99999",), "pl.pesel"),
    Kind("pl.identity_card", "pl_identity_card", ("dowód osobisty",), ("###999999",)),
    Kind("cz.rc", "cz_rc_checked", ("rodné číslo", "r.č."), ("yymmdd/9999", "yymmdd9999"), "cz.rc"),
    Kind("hu.taj", "hu_taj", ("TAJ szám",), ("999 999 999", "999999999")),
    Kind("hu.adoazonosito", "hu_adoazonosito", ("adóazonosító jel",), ("8999999999",)),
    Kind("ro.cnp", "ro_cnp", ("CNP", "cod numeric personal"), ("1yymmdd129999",), "ro.cnp"),
    Kind("bg.egn", "bg_egn", ("ЕГН", "EGN"), ("yymmdd9999",), "bg.egn"),
    Kind("hr.oib", "hr_oib", ("OIB",), ("99999999999",), "hr.oib"),
    Kind("si.emso", "si_emso", ("EMŠO", "JMBG"), ("0101969509999", "1509977509999"), "si.emso"),
    Kind("ru.inn", "ru_inn", ("ИНН", "INN"), ("779999999999",), "ru.inn"),
    Kind("ru.snils", "ru_snils", ("СНИЛС",), ("199-999-999 99",), alone=True),
    Kind("ua.rntrc", "ua_rntrc", ("РНОКПП", "ІПН"), ("2999999999",), "ua.rntrc"),
    Kind("ca.sin", "ca_sin", ("SIN", "social insurance number"), ("199 999 999", "599-999-999", "799999999"), "ca.sin"),
    Kind("ca.health_card", "ca_ontario", ("OHIP", "health card number"), ("1999-999-999", "5999 999 999-AB")),
    Kind("mx.nss", "mx_nss", ("NSS", "número de seguridad social"), ("99999999999",)),
    Kind("mx.rfc", "mx_rfc", ("RFC",), ("GODEyymmdd3??",), alone=True, named="mx_rfc_form"),
    Kind("br.cpf", "br_cpf", ("CPF",), ("999.999.999-99",), "br.cpf", alone=True),
    Kind("br.cnpj", "br_cnpj", ("CNPJ",), ("99.999.999/0001-99", "99999999000199"), "br.cnpj", alone=True),
    Kind("ar.cuit", "ar_cuit", ("CUIT", "CUIL"), ("20-99999999-9", "27-99999999-9"), "ar.cuit", alone=True),
    Kind("cl.rut", "cl_rut", ("RUT",), ("19.999.999-9",), "cl.rut", alone=True),
    Kind("in.aadhaar", "in_aadhaar", ("Aadhaar", "UIDAI number"), ("3999 9999 9999", "599999999999"), "in_.aadhaar"),
    Kind("in.pan", "in_pan", ("PAN", "Permanent Account Number"), ("###P#1999#",), "in_.pan", alone=True),
    Kind("in.passport", "in_passport", ("Indian passport",), ("M1999991", "R2999992")),
    Kind(
        "cn.id", "cn_id", ("身份证号码", "resident identity"), ("110101yyyymmdd9999", "320102yyyymmdd999X"), alone=True
    ),
    Kind("hk.hkid", "hk_hkid", ("HKID",), ("#999999(9)", "#9999999")),
    Kind("tw.id", "tw_id", ("身分證字號", "Taiwan ID"), ("#199999999", "#299999999")),
    Kind("sg.nric", "sg_nric", ("NRIC", "FIN"), ("S9999999#", "T9999999#", "G9999999#"), alone=True),
    Kind("my.nric", "my_nric", ("MyKad", "No. KP"), ("yymmdd-14-9999",), "my.nric", alone=True),
    Kind("jp.my_number", "jp_my_number", ("マイナンバー", "個人番号"), ("999999999999", "9999 9999 9999"), "jp.in_"),
    Kind("kr.rrn", "kr_rrn", ("주민등록번호", "RRN"), ("yymmdd-1999999",), "kr.rrn", alone=True),
    Kind("th.pin", "th_pin", ("เลขประจำตัวประชาชน", "Thai ID"), ("1-9999-99999-99-9", "3999999999999"), "th.pin"),
    Kind("id.nik", "id_nik", ("NIK", "KTP"), ("317101ddmmyy0099",), "id.nik"),
    Kind("ae.emirates_id", "ae_emirates_id", ("Emirates ID",), ("784-1985-9999999-9",), alone=True),
    Kind("au.tfn", "au_tfn", ("TFN", "tax file number"), ("999 999 999", "999999999"), "au.tfn"),
    Kind("au.medicare", "au_medicare", ("Medicare card number", "Medicare"), ("2999 99999 1", "5999999991")),
    Kind("nz.ird", "nz_ird", ("IRD number",), ("049-999-999", "109-999-999"), "nz.ird"),
    Kind("nz.nhi", "nz_nhi", ("NHI", "NHI number"), ("###9999", "###99##")),
    Kind("za.id", "za_id", ("ID number", "SA ID"), ("yymmdd5999089",), "za.idnr"),
)
