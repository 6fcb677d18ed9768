"""An SMSC to test against: the session machine in the carrier's role, with every trouble that carriers make."""
