"""The built-in carrier: an SMSC in the same process, for developers and tests."""
