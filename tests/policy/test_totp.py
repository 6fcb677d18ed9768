"""Codes of a second factor: RFC 6238's vectors, drift, once only, and what people type."""

from base64 import b32encode

import pytest

from yizhan.policy.totp import as_typed, code_at, is_secret, otpauth_uri, step_of, write_recovery_code, write_secret

# The secret of RFC 6238, appendix B, for SHA-1.
SECRET = b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),  # of the appendix's eight digits the last six
    [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ],
)
def test_the_vectors_of_rfc_6238(at_s: int, code: str) -> None:
    assert code_at(SECRET, at_s // 30) == code
    assert step_of(SECRET, code, at_s * 1000) == at_s // 30


@pytest.mark.parametrize(
    ("typed", "step", "last_step", "good"),
    [
        pytest.param("050471", 0, 0, True, id="now"),
        pytest.param("050471", 1, 0, True, id="one step late"),
        pytest.param("050471", -1, 0, True, id="one step early"),
        pytest.param("050471", 2, 0, False, id="two steps late"),
        pytest.param("050471", -2, 0, False, id="two steps early"),
        pytest.param(" 050 471 ", 0, 0, True, id="with blanks"),
        pytest.param("50471", 0, 0, False, id="without its zero"),
        pytest.param("０５０４７１", 0, 0, False, id="full-width digits"),
        pytest.param("", 0, 0, False, id="nothing"),
        pytest.param("050471", 0, 37_037_037, False, id="used"),
        pytest.param("050471", 1, 37_037_037, False, id="used, one step late"),
        pytest.param("050471", 0, 37_037_036, True, id="the one before was used"),
        pytest.param("050471", 0, 37_037_038, False, id="a later one was used"),
    ],
)
def test_when_a_code_is_good(typed: str, step: int, last_step: int, good: bool) -> None:
    now = 1_111_111_111 // 30 + step
    assert (step_of(SECRET, typed, now * 30_000, last_step) is not None) == good


@pytest.mark.parametrize(
    ("text", "good"),
    [
        pytest.param(SECRET, True, id="ours"),
        pytest.param(SECRET.lower(), False, id="lower case"),
        pytest.param(SECRET[:-1], False, id="too short"),
        pytest.param(SECRET[:-1] + "1", False, id="no base32"),
        pytest.param(SECRET + "\n", False, id="and a line"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_what_a_secret_is(text: str, good: bool) -> None:
    assert is_secret(text) == good


def test_how_they_are_written() -> None:
    assert write_secret(b"12345678901234567890") == SECRET
    assert write_recovery_code(b"0123456789") == "gayt-emzu-gu3d-oobz"
    assert as_typed(" GAYT emzu-gu3d-oobz ") == "gaytemzugu3doobz"
    assert otpauth_uri(SECRET, "a.da", "驿 站") == (
        f"otpauth://totp/%E9%A9%BF%20%E7%AB%99:a.da?secret={SECRET}&issuer=%E9%A9%BF%20%E7%AB%99"
    )
