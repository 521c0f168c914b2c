"""`python -m lottery`, where the command is not installed."""

import sys

from lottery.cli import main

sys.exit(main())
