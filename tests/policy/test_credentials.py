"""Passwords and the cache of checked ones."""

import hashlib

import pytest

from yizhan.model.operation import PasswordForm
from yizhan.policy.credentials import (
    CredentialCache,
    credential_matches,
    is_md5_hex,
    make_credential,
    md5_of,
    offered,
)

MD5 = hashlib.md5("密码".encode()).hexdigest()


@pytest.mark.parametrize(
    ("pwd", "md5"),
    [
        pytest.param(MD5, True, id="lower case"),
        pytest.param(MD5.upper(), True, id="upper case"),
        pytest.param(MD5[:31], False, id="31 characters"),
        pytest.param(MD5 + "0", False, id="33 characters"),
        pytest.param("g" * 32, False, id="no hex"),
        pytest.param("０" * 32, False, id="full-width digits"),
        pytest.param(MD5 + "\n", False, id="a line end"),
        pytest.param("", False, id="empty"),
    ],
)
def test_form_of_md5(pwd: str, md5: bool) -> None:
    assert is_md5_hex(pwd) is md5


@pytest.mark.parametrize(
    ("form", "pwd", "md5s"),
    [
        pytest.param(PasswordForm.MD5_STRICT, MD5.upper(), (MD5,), id="IntlSend, upper case"),
        pytest.param(PasswordForm.MD5, MD5, (MD5,), id="GetBalance"),
        pytest.param(PasswordForm.MD5, "密码", (), id="GetBalance, the plain password is wrong"),
        pytest.param(PasswordForm.PLAIN, "密码", (MD5,), id="plain"),
        pytest.param(PasswordForm.PLAIN, MD5, (md5_of(MD5), MD5), id="plain operations take the MD5 as well"),
    ],
)
def test_offered(form: PasswordForm, pwd: str, md5s: tuple[str, ...]) -> None:
    assert offered(form, pwd) == md5s


def test_credential() -> None:
    credential = make_credential(MD5.upper())
    assert MD5 not in credential and credential.startswith("$argon2id$")
    assert credential_matches(credential, MD5)
    assert not credential_matches(credential, md5_of("other"))
    assert not credential_matches("no credential", MD5)
    assert make_credential(MD5) != credential, "each has a salt of its own"


def test_cache() -> None:
    cache = CredentialCache()
    assert cache.knows(1, "credential", MD5) is None, "nothing is known yet"
    cache.remember(1, "credential", MD5)
    assert cache.knows(1, "credential", MD5) is True
    assert cache.knows(1, "credential", md5_of("other")) is False, "wrong without a slow check"
    assert cache.knows(2, "credential", MD5) is None
    assert cache.knows(1, "another credential", MD5) is None, "a changed password must be checked anew"
