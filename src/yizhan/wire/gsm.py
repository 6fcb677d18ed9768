"""The GSM 03.38 default alphabet (3GPP TS 23.038, section 6.2.1) and its extension table.

A character's place in ``BASIC`` is its septet. Place 0x1B is the escape that opens the extension table; it stands for
no character, so a text that holds U+001B is not in the alphabet.
"""

ESCAPE = 0x1B

# Sixteen septets a line, as the columns of the specification's table.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

# Septet behind the escape, by character.
EXTENSION: dict[str, int] = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

ONE_SEPTET: frozenset[str] = frozenset(BASIC) - {chr(ESCAPE)}
TWO_SEPTETS: frozenset[str] = frozenset(EXTENSION)
ALPHABET: frozenset[str] = ONE_SEPTET | TWO_SEPTETS
