"""The console's pages: ``frame`` is what they share, each room is a module of its own, ``site`` puts them together."""
