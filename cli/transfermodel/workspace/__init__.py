"""./.transfermodel: what was trained and what is served on this machine."""
