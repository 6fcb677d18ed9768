"""What a client did wrong on the wire, in the words of SOAP (contract, section 7)."""

from enum import Enum


class SoapVersion(Enum):
    """The two versions of SOAP, told apart by the namespace of the envelope."""

    V1_1 = "http://schemas.xmlsoap.org/soap/envelope/"
    V1_2 = "http://www.w3.org/2003/05/soap-envelope"

    @property
    def namespace(self) -> str:
        """The namespace of the envelope."""
        return self.value


class FaultCode(Enum):
    """Who is to blame, or what was not understood; the value is SOAP 1.1's word."""

    CLIENT = "Client"
    SERVER = "Server"
    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"

    def word(self, version: SoapVersion) -> str:
        """The word for it: SOAP 1.2 calls the first two Sender and Receiver."""
        if version is SoapVersion.V1_2:
            return {FaultCode.CLIENT: "Sender", FaultCode.SERVER: "Receiver"}.get(self, self.value)
        return self.value


class ClientFault(Exception):
    """A request that cannot be read as a call at all; the caller gets the reason."""


class SoapFault(ClientFault):
    """A fault to be answered: in which version, with which code, reason and HTTP status (500, or 400 for bad XML)."""

    def __init__(self, version: SoapVersion, code: FaultCode, reason: str, status: int = 500) -> None:
        super().__init__(reason)
        self.version = version
        self.code = code
        self.reason = reason
        self.status = status
