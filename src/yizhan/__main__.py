"""``python -m yizhan`` is the ``yizhan`` command."""

from yizhan.cli.app import main

main()
