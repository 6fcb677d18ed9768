"""Foreign SOAP stacks read the WSDL and call over SOAP 1.1 and 1.2 as their users do."""

import json
import shutil
import subprocess

import pytest
from zeep import Client, Settings

from .program import TEXT, Program, md5

PHP = """<?php
$soap = new SoapClient($argv[1], ['soap_version' => (int)$argv[2], 'cache_wsdl' => WSDL_CACHE_NONE]);
$who = ['CorpID' => $argv[3], 'Pwd' => md5($argv[4])];
$call = $who + ['Mobile' => '13800000000', 'Content' => $argv[5], 'Cell' => '', 'SendTime' => ''];
$send = $soap->IntlSend($call)->IntlSendResult;
$balance = $soap->__soapCall('GetBalance', [$who])->GetBalanceResult;
$bad = $soap->IntlSend(['Content' => ''] + $call)->IntlSendResult;
echo json_encode(['functions' => $soap->__getFunctions(), 'send' => $send, 'balance' => $balance, 'bad' => $bad]);
"""


@pytest.mark.parametrize(("port", "transport"), [("LinkWSSoap", "soap11"), ("LinkWSSoap12", "soap12")])
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lenient"])
def test_zeep(gateway: Program, port: str, transport: str, strict: bool) -> None:
    customer = gateway.account(f"zeep-{port}-{strict}", credit=50)
    client = Client(f"{gateway.url}LinkWS.asmx?wsdl", settings=Settings(strict=strict))  # type: ignore[no-untyped-call]
    service = client.bind("LinkWS", port)
    who = {"CorpID": customer.corp_id, "Pwd": md5(customer.password)}
    result = service.IntlSend(**who, Mobile="13800000000,13900000000", Content=TEXT, Cell="12", SendTime="")
    assert int(result) >= 100_000_000
    assert service.GetBalance(**who) == "48"
    assert service.GetBalance(**who) == "-101"
    assert service.IntlSend(**who, Mobile="13800000000", Content="无签名", Cell="", SendTime=None) == "-7"
    stored = gateway.messages(submission=int(result))
    assert [row["text"] for row in stored] == [TEXT, TEXT]
    rows = gateway.query(f"SELECT transport FROM submissions WHERE client_id = {int(result)}")
    assert rows == [(transport,)]


@pytest.mark.skipif(shutil.which("php") is None, reason="PHP is not installed (Debian: php-cli php-soap)")
@pytest.mark.parametrize(("version", "transport"), [(1, "soap11"), (2, "soap12")], ids=["SOAP 1.1", "SOAP 1.2"])
def test_php(gateway: Program, version: int, transport: str) -> None:
    customer = gateway.account(f"php-{version}", credit=50)
    arguments = [f"{gateway.url}LinkWS.asmx?wsdl", str(version), customer.corp_id, customer.password, TEXT]
    done = subprocess.run(
        ["php", "-r", PHP.removeprefix("<?php"), "--", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if 'Class "SoapClient" not found' in done.stderr + done.stdout:
        pytest.skip("PHP has no SoapClient (Debian: php-soap)")
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert int(said["send"]) >= 100_000_000
    assert said["balance"] == "49"
    assert said["bad"] == "-22"
    assert any("IntlSend" in function for function in said["functions"])
    assert gateway.messages(submission=int(said["send"]))[0]["text"] == TEXT
    assert gateway.query(f"SELECT transport FROM submissions WHERE client_id = {said['send']}") == [(transport,)]
