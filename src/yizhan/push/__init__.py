"""Webhooks out: one attempt to hand one event to one receiver."""
