"""The command answers at once: what is heavy is imported by the command that needs it."""

import json
import subprocess
import sys

HEAVY = ["apprise", "boto3", "botocore", "jinja2", "kubernetes", "moto", "pydantic", "rich", "weasyprint"]


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    code = f"import json, sys, scanner.cli; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(ran.stdout) == []
