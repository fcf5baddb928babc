"""``python -m cblcast.cli``."""

from cblcast.cli import main

main()
