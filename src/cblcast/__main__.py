"""``python -m cblcast``."""

from cblcast.cli import main

main()
