"""The composition root: configuration, build, start order, signals, drain; the owner of every task."""
