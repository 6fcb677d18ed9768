"""Durable state. A verb is a function of a connection; one transaction is one sentence: accept, claim, settle."""
