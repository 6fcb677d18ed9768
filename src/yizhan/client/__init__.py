"""A client of any LinkWS platform: ours, or the one that a program is leaving."""
