"""`python -m transfermodel_trainer`: the training Job's entry point."""

import os

# OpenMP's threads spin while they wait for each other, and so take the processor from whoever else needs it: two runs
# side by side on two processors were ten times slower. It is read once, when torch loads the library.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from transfermodel_trainer.main import main

if __name__ == "__main__":
    main()
