"""``python -m skinmodel``."""

import os
import signal
import sys

# Loading takes seconds, in which Ctrl-C is to end the program, not to print where it was.
signal.signal(signal.SIGINT, signal.SIG_DFL)
# Where one of these was closed from outside, no file that is opened later may take its place.
for _name in ("stdout", "stderr"):
    if getattr(sys, _name) is None:
        setattr(sys, _name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123

from skinmodel.cli.main import load_commands, main  # noqa: E402

load_commands(sys.argv[1:])
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
