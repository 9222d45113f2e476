"""The API's description as a page to read: no script, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem; font-size: 1.1rem }
code { font-size: .95em }
h2 code { padding: .2rem .4rem; border: 1px solid }
table { border-collapse: collapse; width: 100% }
td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0 }
td:first-child { white-space: nowrap; width: 12rem }
"""


def page(description: dict[str, Any]) -> str:
    """HTML of an OpenAPI description: every endpoint with its parameters, body and answers."""
    parts = [
        f"<h1>{_text(description['info']['title'])}: API</h1>",
        "<p>Get a token with <code>POST /api/login</code> and send it as <code>Authorization: Bearer TOKEN</code>. "
        'The same as JSON, for tools: <a href="openapi.json">openapi.json</a>.</p>',
    ]
    for path, methods in description["paths"].items():
        parts += [_operation(method, path, told, description) for method, told in methods.items()]
    title = _text(description["info"]["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>{''.join(parts)}</body></html>"
    )


def _operation(method: str, path: str, told: dict[str, Any], description: dict[str, Any]) -> str:
    rows = [(each["name"], _parameter(each)) for each in told.get("parameters", ())]
    for kind, content in told.get("requestBody", {}).get("content", {}).items():
        rows.append(("body", f"{kind}: {_shape(content['schema'], description)}"))
    for status, answer in told["responses"].items():
        said = [answer.get("description", "")]
        for kind, each in answer.get("content", {}).items():
            said.append(f"{kind} {_shape(each.get('schema', {}), description)}")
        rows.append((status, " · ".join(part for part in said if part)))
    cells = "".join(f"<tr><td><code>{_text(name)}</code></td><td>{_text(text)}</td></tr>" for name, text in rows)
    return (
        f"<h2><code>{_text(method.upper())} /api{_text(path)}</code></h2>"
        f"<p>{_text(told.get('description', ''))}</p><table>{cells}</table>"
    )


def _parameter(told: dict[str, Any]) -> str:
    schema = told["schema"]
    default = f"default {schema['default']}" if "default" in schema else ""
    return " · ".join(part for part in (f"in {told['in']}", default, told.get("description", "")) if part)


def _shape(schema: dict[str, Any], description: dict[str, Any]) -> str:
    """The fields of an object by name, or the type."""
    name = schema.get("$ref", "").rpartition("/")[2]
    named = description["components"]["schemas"].get(name, schema)
    return f"{{{', '.join(named['properties'])}}}" if "properties" in named else str(named.get("type", ""))


def _text(value: object) -> str:
    return escape(str(value))
