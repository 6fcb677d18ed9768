"""Write the schemas of this folder anew, from the wheels that carry them: run it with the project's Python.

Kept is what the kinds of ``deploy/`` need; what is only for readers (descriptions and the like) is left out.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZipFile

FOLDER = Path(__file__).parent
WHEELS = {
    "check-jsonschema==0.39.0": "check_jsonschema/builtin_schemas/vendor/compose-spec.json",
    "kubernetes-validate==1.37.0": "kubernetes_validate/kubernetes-json-schema/v{}.0-local-strict/_definitions.json",
}
KUBERNETES = ("1.25", "1.37")  # the oldest and the newest that the wheel has
KINDS = ("api.apps.v1.StatefulSet", "api.core.v1.Service", "api.policy.v1.PodDisruptionBudget")
FOR_READERS = re.compile(r"description|title|deprecated|x-kubernetes-.*")


def bare(value: Any, named: bool = False) -> Any:
    """``value`` without what is for readers; the keys of a table of names (``named``) are no keywords."""
    if isinstance(value, list):
        return [bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    tables = () if named else ("properties", "patternProperties", "$defs")
    return {key: bare(item, key in tables) for key, item in value.items() if named or not FOR_READERS.fullmatch(key)}


def closure(definitions: dict[str, Any]) -> dict[str, Any]:
    """The kinds and all that they refer to, by name."""
    wanted, found = [f"io.k8s.{kind}" for kind in KINDS], dict[str, Any]()
    while wanted:
        if (name := wanted.pop()) not in found:
            found[name] = bare(definitions[name])
            wanted += re.findall(r'"#/\$defs/([^"]+)"', json.dumps(found[name]))
    return dict(sorted(found.items()))


def write(name: str, schema: dict[str, Any]) -> None:
    """One definition a line."""
    head = {key: value for key, value in schema.items() if key != "$defs"}
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in schema["$defs"].items()]
    text = json.dumps({**head, "$defs": {}})[:-2] + "\n" + ",\n".join(lines) + "\n}}\n"
    (FOLDER / name).write_text(text)


def main() -> None:
    """Fetch, cut down, write."""
    with tempfile.TemporaryDirectory() as folder:
        fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, *WHEELS]
        subprocess.run(fetch, check=True)
        compose, kubernetes = (ZipFile(wheel) for wheel in sorted(Path(folder).glob("*.whl")))
        inside, pattern = WHEELS.values()
        write("compose.json", bare(json.loads(compose.read(inside))))
        for version in KUBERNETES:
            definitions = json.loads(kubernetes.read(pattern.format(version)))["$defs"]
            draft = "https://json-schema.org/draft/2020-12/schema"
            write(f"kubernetes-{version}.json", {"$schema": draft, "$defs": closure(definitions)})


if __name__ == "__main__":
    main()
