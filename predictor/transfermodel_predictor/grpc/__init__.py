"""Version 2, the Open Inference Protocol, over gRPC; imported only where a port for it is named."""
