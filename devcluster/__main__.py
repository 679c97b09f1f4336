"""`python -m devcluster up | down | info | images | preflight`."""

import sys

from devcluster.cli import main

sys.exit(main())
