"""`python -m film` is the command `film`."""

import sys

from film.cli import main

sys.exit(main())
