"""SMPP 3.4: PDUs as data, the session machine, texts, receipts and long messages."""
