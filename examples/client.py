"""Send a file to a running service, wait, and print what was found.

    python examples/client.py http://127.0.0.1:8000 chest.dcm

A token is read from MEDLENS_TOKEN; a service that was started with --demo needs none.
"""

import os
import sys
from pathlib import Path

from medlens.client import Client, ClientError


def main(url: str, file: str) -> int:
    with Client(url, token=os.environ.get("MEDLENS_TOKEN", "")) as client:
        upload = client.upload(file)
        study = upload.studies[0]
        client.ask_for_answer(study)  # without waiting for more images
        result = client.wait_for_result(study, timeout_s=120)
        sys.stdout.write(client.text(result.id) + "\n")
        for made in result.objects:
            suffix = "json" if made.kind == "FHIR" else "dcm"
            name = f"result-{result.id}-{made.kind}-{made.id}.{suffix}"
            client.download(result.id, made, Path(name))
            sys.stdout.write(f"wrote {name}\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/client.py URL FILE")
    try:
        sys.exit(main(sys.argv[1], sys.argv[2]))
    except ClientError as error:
        sys.exit(f"{error}")
