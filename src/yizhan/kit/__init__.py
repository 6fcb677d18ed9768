"""The ground floor: the clock, the log, masking."""
