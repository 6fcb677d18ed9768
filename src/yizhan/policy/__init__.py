"""Decisions as pure functions of (request, snapshot, now); every rule of the manual is one function named after it."""
