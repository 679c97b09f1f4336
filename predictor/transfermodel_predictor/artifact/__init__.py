"""What a run publishes and the predictor serves: a folder of files, content-addressed by its manifest."""
