"""Links to carriers: sockets around the session machine, reconnecting, letters in hand, what comes in."""
