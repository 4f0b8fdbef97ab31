"""One comment of a pull request, found by its marker and edited in place, through `gh`."""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from fleet.pipeline.markdown import MARKER
from rehearsal.errors import RehearsalError

_FIND = """
query($owner: String!, $name: String!, $number: Int!, $endCursor: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      id
      comments(first: 100, after: $endCursor) {
        nodes { id body viewerDidAuthor }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
}"""
_ADD = """
mutation($subject: ID!, $body: String!) {
  addComment(input: {subjectId: $subject, body: $body}) { commentEdge { node { url } } }
}"""
_EDIT = """
mutation($comment: ID!, $body: String!) {
  updateIssueComment(input: {id: $comment, body: $body}) { issueComment { url } }
}"""


def upsert(repository: str, number: int, body: str) -> str:
    """Write the comment, or write it anew where it is already there; return its URL.

    A comment of somebody else's that has the marker is left alone.

    Raises:
        RehearsalError: where `gh` is missing or refuses.

    """
    owner, _, name = repository.partition("/")
    pages = _ask(_FIND, "--paginate", "--slurp", owner=owner, name=name, number=number)
    requests = [page["data"]["repository"]["pullRequest"] for page in pages]
    comments = [one for request in requests for one in request["comments"]["nodes"]]
    own = [one for one in comments if one["viewerDidAuthor"] and one["body"].startswith(MARKER)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "body.md"
        file.write_text(body)
        if own:
            answer = _ask(_EDIT, "--field", f"body=@{file}", comment=own[0]["id"])
            return str(answer["data"]["updateIssueComment"]["issueComment"]["url"])
        answer = _ask(_ADD, "--field", f"body=@{file}", subject=requests[0]["id"])
        return str(answer["data"]["addComment"]["commentEdge"]["node"]["url"])


def _ask(query: str, *options: str, **variables: str | int) -> Any:  # noqa: ANN401 - JSON
    given = [f"--raw-field=query={query}"]
    for name, value in variables.items():
        # `--field` reads numbers as numbers, `--raw-field` leaves text alone.
        option = "--field" if isinstance(value, int) else "--raw-field"
        given += [option, f"{name}={value}"]
    try:
        done = subprocess.run(
            ["gh", "api", "graphql", *options, *given],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise RehearsalError(
            what="gh, GitHub's CLI, is not on PATH",
            why=str(error),
            mend="install it and sign in with `gh auth login`; without --pull-request the comment "
            "is printed",
        ) from error
    if done.returncode:
        raise RehearsalError(
            what="GitHub refused the comment",
            why=(done.stderr or done.stdout).strip(),
            mend="in CI: the job needs `pull-requests: write` and GH_TOKEN; by hand: `gh auth "
            "status`",
        )
    return json.loads(done.stdout)
