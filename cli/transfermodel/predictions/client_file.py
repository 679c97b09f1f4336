"""A ready client.py for a served model: Python's standard library, nothing to install."""

from transfermodel.modalities import TEXT
from transfermodel.predictions.types import Endpoint

TEMPLATE = '''\
"""Asks the TransferModel {model} about {many}: `python client.py {usage}`. Needs nothing but Python 3.9."""

{imports}

URL = {url!r}
HEADERS = {headers!r}


def predict(*{many}):
    """Return one answer per {one}{kind}: label, probability, probabilities of every label, modelVersion."""
    instances = [{instance} for {one} in {many}]
    request = urllib.request.Request(URL, json.dumps({{"instances": instances}}).encode(), HEADERS)
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)["predictions"]


def main():
    """Print the answer for each {argument} of the command line."""
    if not sys.argv[1:]:
        sys.exit({nothing!r})
    for {loop} in sys.argv[1:]:
        try:
{ask}
        except urllib.error.HTTPError as error:
            sys.exit(f"{{{loop}}}: {{error.read().decode(errors='replace')}}")
        except urllib.error.URLError as error:
            sys.exit(f"Nobody answers at {{URL}}: {{error.reason}}. {start}")
{unreadable}        label, share = answer["label"], answer["probability"]
        print(f"{{{loop}}}: {{label}} ({{share:.1%}}), version {{answer['modelVersion']}}")


if __name__ == "__main__":
    main()
'''
UNREADABLE = """\
        except OSError as error:
            sys.exit(f"{path} cannot be read: {error.strerror}.")
"""
STANDARD = ("base64", "json", "sys", "urllib.error", "urllib.request")


def client_file(endpoint: Endpoint, start: str = "Start it first.") -> str:
    """Return the text of the program; start: the sentence that says how the server is started."""
    modality = endpoint.modality
    texts = modality is TEXT
    headers = {"Content-Type": "application/json"} | ({"Host": endpoint.host} if endpoint.host else {})
    usage = '"TEXT"…' if texts else f"{modality.one.upper()}…"
    return TEMPLATE.format(
        model=endpoint.model,
        one=modality.one,
        many=modality.many,
        kind="" if texts else " (bytes)",
        usage=usage,
        nothing=f"Give {'texts in quotes' if texts else f'{modality.one} files'}: python client.py {usage}",
        imports="\n".join(f"import {name}" for name in STANDARD if not (texts and name == "base64")),
        url=endpoint.predict_url,
        headers=headers,
        instance='{"text": text}'
        if texts
        else f'{{"{modality.key}": {{"b64": base64.b64encode({modality.one}).decode()}}}}',
        argument="text" if texts else "file",
        loop="text" if texts else "path",
        ask="            (answer,) = predict(text)"
        if texts
        else '            with open(path, "rb") as file:\n                (answer,) = predict(file.read())',
        unreadable="" if texts else UNREADABLE,
        start=start.replace("\\", "\\\\").replace('"', '\\"').replace("{", "{{").replace("}", "}}"),
    )
