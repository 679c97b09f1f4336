"""The OpenAPI document as a page: no scripts, nothing from elsewhere, so that it can be read where nothing else can."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from html import escape
from shlex import quote
from typing import Any, Final

from transfermodel_predictor.protocol.forms import SampleForm
from transfermodel_predictor.protocol.openapi import examples

STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { padding: .75rem; overflow-x: auto; border: 1px solid; border-radius: 4px; }
section { margin: 2rem 0; border-top: 1px solid; }
table { border-collapse: collapse; }
td, th { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; }
"""
HOST: Final = re.compile(r"[A-Za-z0-9.\-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


def security_policy() -> str:
    """Return the Content-Security-Policy under which the page is shown whole."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def page(document: Mapping[str, Any], form: SampleForm, address: str) -> str:
    """Return the page in HTML; address: of the server, such as http://127.0.0.1:8080."""
    info = document["info"]
    name = info["title"]
    operations = "\n".join(
        _operation(path.replace("{model_name}", name).replace("{model_version}", info["version"]), method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(name)}</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<h1>{escape(name)} <small>{escape(info["version"])}</small></h1>
<p>{escape(info["description"])} The same for programs: <a href="/openapi.json">openapi.json</a>.</p>
<h2>Try it</h2>
{_commands(name, form, address)}
<h2>Paths</h2>
{operations}
<h2>Schemas</h2>
{"".join(map(_schema, document["components"]["schemas"].items()))}
</main>
</body>
</html>
"""


def server_address(scheme: str, host: str) -> str:
    """Return the address for commands; a Host that is none is not shown."""
    return f"{scheme}://{host}" if HOST.fullmatch(host) else "http://localhost:8080"


def commands(name: str, form: SampleForm, address: str) -> list[str]:
    """Return commands that ask the model, for a shell."""
    media_type = form.media_types[0]
    data = f"--data-binary @{form.file}" if form.file else f"--data-binary {quote(examples.SENTENCE)}"
    as_json, length = "-H 'Content-Type: application/json'", json.dumps(examples.v1_request(form))
    v2 = json.dumps(examples.v2_request(form))
    raw = form.media_types[form.file.endswith(".png")] if form.file else media_type
    return [
        f"curl {data} -H 'Content-Type: {raw}' '{address}/v1/models/{name}:predict?top_k=3'",
        f"curl {data} -H 'Content-Type: {raw}' {address}/v1/models/{name}:explain",
        f"curl -d {quote(length)} {as_json} {address}/v1/models/{name}:predict",
        f"curl -d {quote(v2)} {as_json} {address}/v2/models/{name}/infer",
    ]


def _commands(name: str, form: SampleForm, address: str) -> str:
    return "".join(f"<pre>{escape(command)}</pre>\n" for command in commands(name, form, address))


def _operation(path: str, method: str, operation: Mapping[str, Any]) -> str:
    rows = [
        (parameter["name"], parameter["in"], parameter["schema"].get("description") or parameter.get("description", ""))
        for parameter in operation.get("parameters", ())
        if parameter["in"] != "path"
    ]
    bodies = operation.get("requestBody", {}).get("content", {})
    rows += [(media_type, "body", _name(content["schema"])) for media_type, content in bodies.items()]
    for status, response in operation["responses"].items():
        content = response.get("content", {}).values()
        rows.append((status, "answer", ", ".join(filter(None, (_name(one["schema"]) for one in content)))))
    table = "".join(f"<tr><td><code>{escape(a)}</code></td><td>{b}</td><td>{escape(c)}</td></tr>\n" for a, b, c in rows)
    return f"""<section>
<h3><code>{method.upper()} {escape(path)}</code></h3>
<p>{escape(operation["summary"])}.</p>
<table>
{table}</table>
</section>"""


def _name(schema: Mapping[str, Any]) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2] or str(schema.get("description", ""))


def _schema(entry: tuple[str, Any]) -> str:
    name, schema = entry
    content = json.dumps(schema, indent=2, ensure_ascii=False)
    return f"<details><summary><code>{escape(name)}</code></summary><pre>{escape(content)}</pre></details>\n"
