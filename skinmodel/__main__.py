"""``python -m skinmodel``."""

import sys

from skinmodel.cli import main

sys.exit(main())
