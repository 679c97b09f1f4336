"""`python -m transfermodel_trainer`: the training Job's entry point."""

from transfermodel_trainer.main import main

if __name__ == "__main__":
    main()
