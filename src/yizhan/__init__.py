"""Yizhan (驿站): a self-hosted SMS gateway that speaks sdk2 / LinkWS.

Read ``docs/flow.md`` first: one message through the files, in order.
"""

__version__ = "0.1.0"
