"""B0: an image classifier on KServe's model server, the way that KServe's documentation writes a custom predictor.

Source of the method: "Deploy Custom Python Serving Runtime with InferenceService", in the version of KServe 0.16,
https://kserve.github.io/website/docs/model-serving/predictive-inference/frameworks/custom-predictor. Kept are its
imports, one image a request in base64, transforms made in each request, the network computed on the event loop with
gradients recorded, the logits of the top five as the answer, its CORS middleware, and the server's defaults.

Other than there:

- the network and its weights come from a file instead of a download, and are loaded once (the page loads them twice);
- `--host` binds the server to an address, for which kserve has no option; it then has no gRPC, which would listen
  on every address of the machine;
- `--careful` does what a careful reader of that page would change: no gradients, and transforms made once.

It imports nothing of this repository: it is a file of the baseline's image, too.
"""

import argparse
import base64
import io
import time
from typing import Any

import kserve
import torch
from fastapi.middleware.cors import CORSMiddleware
from kserve import Model, ModelServer, logging, model_server
from kserve.model_server import app
from kserve.protocol.rest.server import RESTServer
from PIL import Image
from torchvision import models, transforms

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TOP = 5


class Classifier(Model):  # type: ignore[misc] # kserve ships no types
    """A torchvision network behind `:predict`."""

    def __init__(self, name: str, architecture: str, weights: str, classes: int, *, careful: bool) -> None:
        """Load it.

        Args:
            name: in the paths.
            architecture: one of torchvision's.
            weights: file of its state dict.
            classes: outputs.
            careful: no gradients, and transforms made once.
        """
        super().__init__(name, return_response_headers=True)
        self.careful = careful
        self.transform = make_transform() if careful else None
        self.network = models.get_model(architecture, weights=None, num_classes=classes)
        self.network.load_state_dict(torch.load(weights, weights_only=True))
        self.network.eval()
        self.ready = True

    async def predict(
        self,
        payload: dict[str, Any],
        headers: dict[str, str] | None = None,
        response_headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Return the five highest logits of the first instance."""
        start = time.time()
        with torch.inference_mode(self.careful):
            encoded = base64.b64decode(payload["instances"][0]["image"]["b64"])
            image = Image.open(io.BytesIO(encoded))
            preprocess = self.transform or make_transform()
            output = self.network(preprocess(image).unsqueeze(0))
            torch.nn.functional.softmax(output, dim=1)
            values, _ = torch.topk(output, min(TOP, output.shape[1]))
        result = values.flatten().tolist()
        if response_headers is not None:
            response_headers.update({"prediction-time-latency": f"{round((time.time() - start) * 1000, 9)}"})
        return {"predictions": result}


def make_transform() -> transforms.Compose:
    """Return ImageNet's preprocessing, from an image to (3, 224, 224)."""
    return transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize(mean=MEAN, std=STD),
        ]
    )


def listen_on(host: str) -> None:
    """Let kserve's HTTP server listen on one address instead of all."""

    class OnHost(RESTServer):  # type: ignore[misc] # kserve ships no types
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.config.host = host

    model_server.RESTServer = OnHost


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(parents=[kserve.model_server.parser])
    parser.add_argument("--architecture", required=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--classes", type=int, required=True)
    parser.add_argument("--host")
    parser.add_argument("--careful", action="store_true")
    options = parser.parse_args()
    if options.configure_logging:
        logging.configure_logging(options.log_config_file)
    model = Classifier(
        options.model_name, options.architecture, options.weights, options.classes, careful=options.careful
    )
    app.add_middleware(
        CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"]
    )
    if options.host:
        listen_on(options.host)
        ModelServer(enable_grpc=False).start([model])
    else:
        ModelServer().start([model])


if __name__ == "__main__":
    main()
