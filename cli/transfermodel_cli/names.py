"""What the program is called: alone, or as a plugin of kubectl."""

import os
import sys


def is_kubectl_plugin() -> bool:
    """Tell whether kubectl started it: plugins are programs called kubectl-<name>."""
    return os.path.basename(sys.argv[0]).startswith("kubectl")


def program_name() -> str:
    """Return what the user typed."""
    return "kubectl transfermodel" if is_kubectl_plugin() else "transfermodel"
