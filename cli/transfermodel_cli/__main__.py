"""`python -m transfermodel_cli`: the same as `transfermodel`."""

from transfermodel_cli.main import main

main()
