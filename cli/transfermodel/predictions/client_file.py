"""A ready client.py for a served model: Python's standard library, nothing to install."""

from transfermodel.predictions.types import Endpoint

TEMPLATE = '''\
"""Asks the TransferModel {model} about image files: `python client.py IMAGE…`. Needs nothing but Python 3.9."""

import base64
import json
import sys
import urllib.error
import urllib.request

URL = {url!r}
HEADERS = {headers!r}


def predict(*images):
    """Return one answer per image (bytes): label, probability, probabilities of every label, modelVersion."""
    instances = [{{"image": {{"b64": base64.b64encode(image).decode()}}}} for image in images]
    request = urllib.request.Request(URL, json.dumps({{"instances": instances}}).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)["predictions"]


def main():
    """Print the answer for each file of the command line."""
    if not sys.argv[1:]:
        sys.exit("Give image files: python client.py IMAGE…")
    for path in sys.argv[1:]:
        try:
            with open(path, "rb") as file:
                (answer,) = predict(file.read())
        except urllib.error.HTTPError as error:
            sys.exit(f"{{path}}: {{error.read().decode(errors='replace')}}")
        except urllib.error.URLError as error:
            sys.exit(f"Nobody answers at {{URL}}: {{error.reason}}. {start}")
        except OSError as error:
            sys.exit(f"{{path}} cannot be read: {{error.strerror}}.")
        print(f"{{path}}: {{answer['label']}} ({{answer['probability']:.1%}}), version {{answer['modelVersion']}}")


if __name__ == "__main__":
    main()
'''


def client_file(endpoint: Endpoint, start: str = "Start it first.") -> str:
    """Return the text of the program; start: the sentence that says how the server is started."""
    headers = {"Content-Type": "application/json"} | ({"Host": endpoint.host} if endpoint.host else {})
    quoted = start.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}")
    return TEMPLATE.format(model=endpoint.model, url=endpoint.predict_url, headers=headers, start=quoted)
