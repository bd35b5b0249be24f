"""State codes: the three letters of the MRZ and the two letters of certificates (ICAO 9303-3 §5).

ISO 3166-1, and the codes that ICAO adds for the United Nations, the European Union, Kosovo, the kinds of British
nationals, organisations and stateless persons. UTO, Utopia, is the state of specimens.
"""

from __future__ import annotations

from typing import Final

_ISO_3166 = """
AFG:AF ALA:AX ALB:AL DZA:DZ ASM:AS AND:AD AGO:AO AIA:AI ATA:AQ ATG:AG ARG:AR ARM:AM ABW:AW AUS:AU AUT:AT AZE:AZ BHS:BS
BHR:BH BGD:BD BRB:BB BLR:BY BEL:BE BLZ:BZ BEN:BJ BMU:BM BTN:BT BOL:BO BES:BQ BIH:BA BWA:BW BVT:BV BRA:BR IOT:IO BRN:BN
BGR:BG BFA:BF BDI:BI CPV:CV KHM:KH CMR:CM CAN:CA CYM:KY CAF:CF TCD:TD CHL:CL CHN:CN CXR:CX CCK:CC COL:CO COM:KM COG:CG
COD:CD COK:CK CRI:CR CIV:CI HRV:HR CUB:CU CUW:CW CYP:CY CZE:CZ DNK:DK DJI:DJ DMA:DM DOM:DO ECU:EC EGY:EG SLV:SV GNQ:GQ
ERI:ER EST:EE SWZ:SZ ETH:ET FLK:FK FRO:FO FJI:FJ FIN:FI FRA:FR GUF:GF PYF:PF ATF:TF GAB:GA GMB:GM GEO:GE GHA:GH GIB:GI
GRC:GR GRL:GL GRD:GD GLP:GP GUM:GU GTM:GT GGY:GG GIN:GN GNB:GW GUY:GY HTI:HT HMD:HM VAT:VA HND:HN HKG:HK HUN:HU ISL:IS
IND:IN IDN:ID IRN:IR IRQ:IQ IRL:IE IMN:IM ISR:IL ITA:IT JAM:JM JPN:JP JEY:JE JOR:JO KAZ:KZ KEN:KE KIR:KI PRK:KP KOR:KR
KWT:KW KGZ:KG LAO:LA LVA:LV LBN:LB LSO:LS LBR:LR LBY:LY LIE:LI LTU:LT LUX:LU MAC:MO MDG:MG MWI:MW MYS:MY MDV:MV MLI:ML
MLT:MT MHL:MH MTQ:MQ MRT:MR MUS:MU MYT:YT MEX:MX FSM:FM MDA:MD MCO:MC MNG:MN MNE:ME MSR:MS MAR:MA MOZ:MZ MMR:MM NAM:NA
NRU:NR NPL:NP NLD:NL NCL:NC NZL:NZ NIC:NI NER:NE NGA:NG NIU:NU NFK:NF MKD:MK MNP:MP NOR:NO OMN:OM PAK:PK PLW:PW PSE:PS
PAN:PA PNG:PG PRY:PY PER:PE PHL:PH PCN:PN POL:PL PRT:PT PRI:PR QAT:QA REU:RE ROU:RO RUS:RU RWA:RW BLM:BL SHN:SH KNA:KN
LCA:LC MAF:MF SPM:PM VCT:VC WSM:WS SMR:SM STP:ST SAU:SA SEN:SN SRB:RS SYC:SC SLE:SL SGP:SG SXM:SX SVK:SK SVN:SI SLB:SB
SOM:SO ZAF:ZA SGS:GS SSD:SS ESP:ES LKA:LK SDN:SD SUR:SR SJM:SJ SWE:SE CHE:CH SYR:SY TWN:TW TJK:TJ TZA:TZ THA:TH TLS:TL
TGO:TG TKL:TK TON:TO TTO:TT TUN:TN TUR:TR TKM:TM TCA:TC TUV:TV UGA:UG UKR:UA ARE:AE GBR:GB USA:US UMI:UM URY:UY UZB:UZ
VUT:VU VEN:VE VNM:VN VGB:VG VIR:VI WLF:WF ESH:EH YEM:YE ZMB:ZM ZWE:ZW
"""
_ICAO = "D:DE GBD:GB GBN:GB GBO:GB GBP:GB GBS:GB RKS:KS EUE:EU UNO:UN UNA:UN UNK:UN XOM:XO XPO:XP XES:XS UTO:UT"
# Codes of a person's standing rather than of an issuing state, and of organisations without certificates of their own.
_WITHOUT_CERTIFICATES = "XXA XXB XXC XXX XBA XIM XCC XCE XCO XEC XMP XDC XCT NTZ IAO"

_ALPHA_2: Final[dict[str, frozenset[str]]] = {
    three: frozenset({two}) for three, _, two in (pair.partition(":") for pair in (_ISO_3166 + _ICAO).split())
} | {
    # Kosovo signs as KS, and as XK, the code in general use; the United Kingdom's code has a reserved twin.
    "RKS": frozenset({"KS", "XK"}),
    # China's special administrative regions and their passports are signed below C=CN, HK or MO.
    "CHN": frozenset({"CN", "HK", "MO"}),
}

_ALL_ALPHA_2: Final = frozenset().union(*_ALPHA_2.values())


def is_state_code(code: str) -> bool:
    """True for a code that may stand as issuer or nationality, fillers removed."""
    return code in _ALPHA_2 or code in _WITHOUT_CERTIFICATES.split()


def is_certificate_country(code: str) -> bool:
    """True for the upper-case country name of a certificate that some issuer of the table signs with."""
    return code in _ALL_ALPHA_2


def certificate_countries(code: str) -> frozenset[str] | None:
    """The upper-case country names that certificates of this issuer may carry, or None when the code is not known."""
    return _ALPHA_2.get(code)
