"""The features of samples, kept beside the outputs: the frozen trunk runs only for what is new."""
