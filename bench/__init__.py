"""Benchmarks of the whole program, for anyone to run: ``make bench``."""
