"""The training Job's program: data and a backbone in, a published artifact out."""
