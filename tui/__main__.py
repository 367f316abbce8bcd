"""`python -m tui` is `convo-tui`."""

import sys

from tui.cli import main

sys.exit(main())
