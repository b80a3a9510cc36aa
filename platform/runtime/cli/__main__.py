"""`python -m dacheng.runtime.cli`: the same as the command `dacheng`."""

import sys

from dacheng.runtime.cli import main

sys.exit(main())
