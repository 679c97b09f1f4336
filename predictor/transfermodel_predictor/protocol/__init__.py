"""What clients send and get: version 1 of KServe's protocol, and version 2, the Open Inference Protocol."""
