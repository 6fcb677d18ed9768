"""suds with the WSDL; it writes SOAP 1.1 envelopes to either port.

Arguments: phase, way, address, account, password, text. Prints what it saw as JSON.
"""

import hashlib
import json
import sys

from suds.client import Client  # type: ignore[import-untyped]

phase, way, url, corp_id, password, text = sys.argv[1:]
client = Client(f"{url}LinkWS.asmx?wsdl", cache=None, port="LinkWSSoap12" if way == "wsdl12" else "LinkWSSoap")
service = client.service
who = {"CorpID": corp_id, "Pwd": password}

if phase == "send":
    md5 = {"CorpID": corp_id, "Pwd": hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()}
    call = {"Mobile": "13800000000", "Content": text, "Cell": "", "SendTime": ""}
    saw = {
        "batch_send2": service.BatchSend2(corp_id, password, "13800000000", text, "12", ""),
        "send": service.Send(**who, **call),
        "sel_sum": service.SelSum(**who),
        "sel_sum_again": service.SelSum(**who),
        "unsigned": service.BatchSend2(**who, Mobile="13800000000", Content="hello"),
        "intl_send": service.IntlSend(**md5, **{**call, "Mobile": "13800000000,13900000000"}),
        "empty": service.IntlSend(**md5, **{**call, "Content": ""}),
        "balance": service.GetBalance(**md5),
        "nothing": service.NotSend(**who),
    }
    assert int(saw["batch_send2"]) > 0
    assert saw["send"] == 0
else:
    saw = {
        "replies": service.Get(**who),
        "replies_again": service.Get(**who),
        "reports": service.GetReportSMS(**who),
        "reports_again": service.GetReportSMS(**who),
    }
print(json.dumps(saw))
