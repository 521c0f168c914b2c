"""`python -m lottery`, where the command is not installed."""

import sys

from lottery.cli.main import main

sys.exit(main())
