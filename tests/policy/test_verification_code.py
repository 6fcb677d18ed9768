"""Which code a phone would offer to copy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yizhan.policy.verification_code import code_in


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("您的验证码是123456【测试】", "123456", id="behind its name"),
        pytest.param("【驿站】验证码：8848，5分钟内有效，请勿泄露。", "8848", id="four digits"),
        pytest.param("【驿站】123456 是您的验证码，10分钟内有效", "123456", id="before its name"),
        pytest.param("您好，尾号1234的用户，您的动态密码为 00712345。", "00712345", id="another number first"),
        pytest.param("Your verification code is 123-456", "123456", id="two groups"),
        pytest.param("G-482913 is your Google verification code.", "482913", id="a letter before it"),
        pytest.param("code: A1B2C3", "A1B2C3", id="letters and digits"),
        pytest.param("Your OTP is 9041. Do not share it.", "9041", id="before a full stop"),
        pytest.param("请输入 550123 登录", "550123", id="the only number"),
        pytest.param("您于2026年消费1280元", None, id="a year and an amount"),
        pytest.param("订单 4711 和 4712 已发货", None, id="two that could be"),
        pytest.param("请致电13800000000", None, id="a telephone number"),
        pytest.param("退订回T【驿站】", None, id="none"),
        pytest.param("", None, id="empty"),
    ],
)
def test_codes(text: str, code: str | None) -> None:
    assert code_in(text) == code


@given(
    st.text(alphabet="您好，。 【】ab", max_size=30),
    st.from_regex(r"\A[0-9]{4,8}\Z"),
    st.sampled_from(["验证码", "code"]),
)
def test_a_code_behind_its_name_is_found_in_any_text(around: str, code: str, name: str) -> None:
    assert code_in(f"{around}{name}: {code}。{around}") == code


@given(st.text(max_size=200))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    found = code_in(text)
    assert found is None or found in text.replace(" ", "").replace("-", "")
