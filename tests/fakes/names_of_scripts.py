"""Names in five scripts, as a list's owner may write them and as passports spell them: made up of common parts, nobody's in particular.

Each part stands in its script and in one to three spellings that passports of different states and years have.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

_Parts = tuple[tuple[str, str], ...]

LATIN: Final[tuple[_Parts, _Parts]] = (
    (
        ("Müller", "MUELLER/MULLER"), ("Jørgensen", "JOERGENSEN/JORGENSEN"), ("Åkesson", "AAKESSON/AKESSON"), ("Núñez", "NUNEZ"),
        ("Çelik", "CELIK"), ("Dvořák", "DVORAK"), ("Wójcik", "WOJCIK"), ("Szabó", "SZABO"), ("Gonçalves", "GONCALVES"), ("Weiß", "WEISS"),
        ("Björnsdóttir", "BJOERNSDOTTIR/BJORNSDOTTIR"), ("Lefèvre", "LEFEVRE"), ("Järvinen", "JAERVINEN/JARVINEN"), ("Popović", "POPOVIC"),
        ("Żukowski", "ZUKOWSKI"), ("Öztürk", "OEZTUERK/OZTURK"),
    ),
    (
        ("Jörg", "JOERG/JORG"), ("Anna Maria", "ANNA MARIA/ANNA"), ("Søren", "SOEREN/SOREN"), ("José Luis", "JOSE LUIS/JOSE"), ("Zoë", "ZOE"),
        ("François", "FRANCOIS"), ("Łukasz", "LUKASZ"), ("Ágnes", "AGNES"), ("Günther", "GUENTHER/GUNTHER"), ("Inês", "INES"),
        ("Tomáš", "TOMAS"), ("Mirjam", "MIRJAM"), ("Ayşe", "AYSE"), ("Kristín", "KRISTIN"), ("Renée", "RENEE"), ("Pål", "PAAL/PAL"),
    ),
)  # fmt: skip

CYRILLIC: Final[tuple[_Parts, _Parts]] = (
    (
        ("Иванов", "IVANOV"), ("Щербаков", "SHCHERBAKOV/SHERBAKOV"), ("Юрьев", "IUREV/YURYEV/IURYEV"), ("Хрущёв", "KHRUSHCHEV/HRUSCHEV"),
        ("Ковальчук", "KOVALCHUK"), ("Цветков", "TSVETKOV/CVETKOV"), ("Жуков", "ZHUKOV"), ("Яковлев", "IAKOVLEV/YAKOVLEV"),
        ("Шевченко", "SHEVCHENKO"), ("Чернышёв", "CHERNYSHEV"), ("Петров", "PETROV"), ("Соловьёв", "SOLOVEV/SOLOVYEV"),
        ("Гончаренко", "GONCHARENKO/HONCHARENKO"), ("Лебедев", "LEBEDEV"), ("Эйхенбаум", "EIKHENBAUM/EYHENBAUM"), ("Тихонов", "TIKHONOV"),
    ),
    (
        ("Юрий", "IURII/YURIY/YURI"), ("Евгений", "EVGENII/YEVGENIY/EVGENY"), ("Наталья", "NATALIA/NATALYA"), ("Ксения", "KSENIIA/KSENIA"),
        ("Алексей", "ALEKSEI/ALEXEY"), ("Дмитрий", "DMITRII/DMITRY"), ("Михаил", "MIKHAIL"), ("Татьяна", "TATIANA/TATYANA"),
        ("Сергей", "SERGEI/SERGEY"), ("Ольга", "OLGA"), ("Владимир", "VLADIMIR"), ("Андрей", "ANDREI/ANDREY"), ("Фёдор", "FEDOR/FYODOR"),
        ("Людмила", "LIUDMILA/LYUDMILA"), ("Григорий", "GRIGORII/GRIGORY"), ("Захар", "ZAKHAR"),
    ),
)  # fmt: skip

ARABIC: Final[tuple[_Parts, _Parts]] = (
    (
        ("الشريف", "ALSHARIF/AL SHERIF/EL SHARIF"), ("حسين", "HUSSEIN/HUSSAIN/HOSSEIN"), ("الحداد", "ALHADDAD/EL HADDAD"), ("منصور", "MANSOUR/MANSUR"),
        ("خليل", "KHALIL/KALIL"), ("سليمان", "SULEIMAN/SOLIMAN/SLIMANE"), ("قاسم", "QASEM/KASSEM/KASIM"), ("عثمان", "OTHMAN/OSMAN"),
        ("زيدان", "ZIDAN/ZIDANE"), ("المصري", "ALMASRI/EL MASRY"), ("بركات", "BARAKAT"), ("درويش", "DARWISH/DARWICH"), ("نجار", "NAJJAR/NAGGAR"),
        ("فارس", "FARES/FARIS"), ("رمضان", "RAMADAN/RAMADHAN"), ("حمدان", "HAMDAN"),
    ),
    (
        ("محمد", "MOHAMMED/MUHAMMAD/MOHAMED"), ("خالد", "KHALED/KHALID"), ("فاطمة", "FATIMA/FATMA"), ("يوسف", "YOUSEF/YUSUF/YOUSSEF"),
        ("ابراهيم", "IBRAHIM/EBRAHIM"), ("عمر", "OMAR/UMAR"), ("مريم", "MARYAM/MARIAM"), ("حسن", "HASSAN/HASAN"), ("طارق", "TAREK/TARIQ"),
        ("ليلى", "LEILA/LAYLA"), ("كريم", "KARIM/KAREEM"), ("سامي", "SAMI/SAMY"), ("نور", "NOUR/NUR"), ("جمال", "JAMAL/GAMAL"),
        ("هشام", "HISHAM/HICHAM"), ("بلال", "BILAL/BELAL"),
    ),
)  # fmt: skip

GREEK: Final[tuple[_Parts, _Parts]] = (
    (
        ("Παπαδόπουλος", "PAPADOPOULOS"), ("Γεωργίου", "GEORGIOU"), ("Χατζής", "CHATZIS/HATZIS"), ("Ευαγγέλου", "EVANGELOU"),
        ("Μπακογιάννης", "BAKOGIANNIS/MPAKOGIANNIS"), ("Θεοδωρίδης", "THEODORIDIS"), ("Ξενάκης", "XENAKIS"), ("Ψαράς", "PSARAS"),
        ("Ντούλας", "NTOULAS/DOULAS"), ("Αυγερινός", "AVGERINOS"), ("Κωνσταντίνου", "KONSTANTINOU"), ("Ζαχαρίας", "ZACHARIAS"),
        ("Λάμπρου", "LAMPROU/LAMBROU"), ("Οικονόμου", "OIKONOMOU/ECONOMOU"), ("Σταύρου", "STAVROU"), ("Φωτίου", "FOTIOU/PHOTIOU"),
    ),
    (
        ("Γεώργιος", "GEORGIOS"), ("Ευτυχία", "EFTYCHIA/EVTYCHIA"), ("Νικόλαος", "NIKOLAOS"), ("Ελένη", "ELENI"), ("Χρήστος", "CHRISTOS"),
        ("Βασιλική", "VASILIKI"), ("Δημήτριος", "DIMITRIOS/DEMETRIOS"), ("Αικατερίνη", "AIKATERINI/EKATERINI"), ("Σπυρίδων", "SPYRIDON/SPIRIDON"),
        ("Μαρία", "MARIA"), ("Παναγιώτης", "PANAGIOTIS"), ("Θωμάς", "THOMAS"), ("Ιωάννης", "IOANNIS/YIANNIS"), ("Σοφία", "SOFIA/SOPHIA"),
        ("Ηλίας", "ILIAS/ELIAS"), ("Κυριακή", "KYRIAKI"),
    ),
)  # fmt: skip

GEORGIAN: Final[tuple[_Parts, _Parts]] = (
    (
        ("წერეთელი", "TSERETELI"), ("ჭავჭავაძე", "CHAVCHAVADZE"), ("ღვინიაშვილი", "GHVINIASHVILI/GVINIASHVILI"), ("ბერიძე", "BERIDZE"),
        ("კვარაცხელია", "KVARATSKHELIA"), ("ჯაფარიძე", "JAPARIDZE/DZHAPARIDZE"), ("ხელაია", "KHELAIA"), ("მაისურაძე", "MAISURADZE"),
        ("ყიფიანი", "QIPIANI/KIPIANI"), ("შენგელია", "SHENGELIA"), ("ლომიძე", "LOMIDZE"), ("ქუთათელაძე", "KUTATELADZE"),
        ("ძნელაძე", "DZNELADZE"), ("ჟვანია", "ZHVANIA"), ("თოდუა", "TODUA"), ("აბაშიძე", "ABASHIDZE"),
    ),
    (
        ("ქეთევან", "KETEVAN/KETEWAN"), ("გიორგი", "GIORGI"), ("თამარ", "TAMAR"), ("ზურაბ", "ZURAB"), ("ნინო", "NINO"), ("ლევან", "LEVAN"),
        ("ხათუნა", "KHATUNA"), ("დავით", "DAVIT/DAVID"), ("მარიამ", "MARIAM"), ("ვახტანგ", "VAKHTANG"), ("ეკატერინე", "EKATERINE"),
        ("ირაკლი", "IRAKLI"), ("ნათია", "NATIA"), ("შალვა", "SHALVA"), ("თეონა", "TEONA"), ("ჯემალ", "JEMAL"),
    ),
)  # fmt: skip

SCRIPTS: Final = {"latin": LATIN, "cyrillic": CYRILLIC, "arabic": ARABIC, "greek": GREEK, "georgian": GEORGIAN}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up: as the owner of a list writes the name, and as a passport spells it."""

    written: str
    surname: str
    given: str
    born: str


def invented(script: str, chance: Random) -> Person:
    """A person of this script. One passport in ten has a letter too few or doubled, in one of twenty the names change places."""
    surnames, given_names = SCRIPTS[script]
    surname, spelt_surnames = chance.choice(surnames)
    given, spelt_given = chance.choice(given_names)
    parts = [chance.choice(spelt_surnames.split("/")), chance.choice(spelt_given.split("/"))]
    if chance.random() < 0.1:
        at = chance.randrange(2)
        where = chance.randrange(1, len(parts[at]))
        letters = parts[at]
        parts[at] = letters[:where] + (letters[where - 1] * (chance.random() < 0.5)) + letters[where + 1 :]
    if chance.random() < 0.05:
        parts.reverse()
    born = f"{chance.randrange(1940, 2008)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
    return Person(f"{surname}, {given}", parts[0], parts[1], born)
