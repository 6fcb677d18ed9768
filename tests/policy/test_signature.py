"""The signature 【…】 (contract, section 8)."""

import pytest

from yizhan.model.account import SignatureRule
from yizhan.model.submission import SignatureFound
from yizhan.policy.signature import find_signature, is_signature, sign

REQUIRED, BOUND, FREE = SignatureRule.REQUIRED, SignatureRule.BOUND, SignatureRule.FREE
END, START, APPENDED = SignatureFound.AT_END, SignatureFound.AT_START, SignatureFound.APPENDED


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param("您好【驿站】", ("【驿站】", END), id="at the end"),
        pytest.param("【驿站】您好", ("【驿站】", START), id="at the start"),
        pytest.param("您好【驿站】 \r\n", ("【驿站】", END), id="white space behind it"),
        pytest.param(" \t【驿站】您好", ("【驿站】", START), id="white space before it"),
        pytest.param("【驿站】您好【某某】", ("【某某】", END), id="both: the end counts"),
        pytest.param("【驿站】", ("【驿站】", END), id="nothing but a signature"),
        pytest.param("您好【A驿1】", ("【A驿1】", END), id="one Chinese character among others"),
        pytest.param("您好【𠀀】", ("【𠀀】", END), id="a Chinese character beyond the basic plane"),
        pytest.param("您好【〇】", ("【〇】", END), id="the Chinese zero"),
        pytest.param("您好【" + "驿" * 20 + "】", ("【" + "驿" * 20 + "】", END), id="20 characters"),
        pytest.param("您好【" + "驿" * 21 + "】", None, id="21 characters"),
        pytest.param("【" + "驿" * 21 + "】您好", None, id="21 at the start"),
        pytest.param("您好【】", None, id="empty brackets"),
        pytest.param("您好【abc】", None, id="no Chinese inside"),
        pytest.param("您好【  】", None, id="spaces inside"),
        pytest.param("您好【驿站】。", None, id="something behind it"),
        pytest.param("您【驿站】好", None, id="in the middle"),
        pytest.param("您好【驿站", None, id="not closed"),
        pytest.param("您好驿站】", None, id="not opened"),
        pytest.param("【驿站您好", None, id="opened at the start, never closed"),
        pytest.param("您好[驿站]", None, id="square brackets"),
        pytest.param("您好【您【驿站】", ("【驿站】", END), id="at the end the last bracket opens"),
        pytest.param("您好【驿站】】", None, id="closed twice at the end"),
        pytest.param("【【驿站】您好", None, id="opened twice at the start"),
        pytest.param("【驿站】】您好", ("【驿站】", START), id="at the start the first bracket closes"),
        pytest.param("【驿站】您好【abc】", ("【驿站】", START), id="no signature at the end, one at the start"),
        pytest.param("", None, id="empty"),
    ],
)
def test_find(content: str, found: tuple[str, SignatureFound] | None) -> None:
    assert find_signature(content) == found


@pytest.mark.parametrize(
    ("content", "rule", "signed"),
    [
        pytest.param("您好【驿站】", REQUIRED, ("您好【驿站】", END), id="required, there"),
        pytest.param("您好【驿站】 ", REQUIRED, ("您好【驿站】 ", END), id="sent untrimmed"),
        pytest.param("您好", REQUIRED, None, id="required, missing"),
        pytest.param("您好", FREE, ("您好", SignatureFound.NONE_NEEDED), id="free"),
        pytest.param("您好【驿站】", BOUND, ("您好【驿站】", END), id="bound, there"),
        pytest.param("【驿站】您好", BOUND, ("【驿站】您好", START), id="bound, at the start"),
        pytest.param("您好", BOUND, ("您好【驿站】", APPENDED), id="bound, missing"),
        pytest.param("您好 ", BOUND, ("您好 【驿站】", APPENDED), id="appended to the untrimmed text"),
        pytest.param("您好【别家】", BOUND, None, id="bound, a foreign one at the end"),
        pytest.param("【别家】您好", BOUND, None, id="bound, a foreign one at the start"),
        pytest.param("【别家】您好【驿站】", BOUND, ("【别家】您好【驿站】", END), id="foreign start, own end"),
        pytest.param("【驿站】详见【说明】", BOUND, ("【驿站】详见【说明】", START), id="own start, other end"),
        pytest.param("您好【abc】", BOUND, ("您好【abc】【驿站】", APPENDED), id="bound, no signature by form"),
    ],
)
def test_rule(content: str, rule: SignatureRule, signed: tuple[str, SignatureFound] | None) -> None:
    assert sign(content, rule, "【驿站】") == signed


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        pytest.param("【驿站】", True, id="one"),
        pytest.param("【驿站】 ", False, id="a space behind"),
        pytest.param("【驿】【站】", False, id="two"),
        pytest.param("驿站", False, id="without brackets"),
        pytest.param("【yizhan】", False, id="no Chinese"),
    ],
)
def test_what_can_be_registered(text: str, whole: bool) -> None:
    assert is_signature(text) is whole
