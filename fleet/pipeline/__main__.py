# ruff: noqa: PLC0415 - each command imports what it needs only when it runs, to answer at once
"""`python -m fleet.pipeline`: the commands behind the jobs of CI (docs/ci.md)."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.failures import ToldGroup

if TYPE_CHECKING:
    from fleet.pipeline.engine import Pulumi

app = typer.Typer(
    cls=ToldGroup,
    help="What the workflows call; each command runs the same by hand.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Stack = Annotated[str, typer.Option("--stack", "-s", help="Pulumi stack.")]
Revision = Annotated[str | None, typer.Option(help="Commit that the stack builds its image of.")]


def _page() -> Path | None:
    """The run's summary page, where there is one."""
    given = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(given) if given else None


def _pulumi(stack: str, revision: str | None = None) -> "Pulumi":
    from fleet import project
    from fleet.pipeline.engine import Pulumi

    found = Pulumi(project.find().root, project.checked_stack_name(stack))
    if revision is not None:
        found.set_revision(revision)
    return found


@app.command()
def show(
    stack: Stack,
    revision: Revision = None,
    answers: Annotated[
        Path | None, typer.Option(help="File that gets the line digest=..., for `up --approved`.")
    ] = None,
) -> None:
    """Show what an `up` of the stack would do; nothing is changed."""
    from fleet.pipeline import steps

    steps.show(_pulumi(stack, revision), _page(), answers)


@app.command()
def up(
    stack: Stack,
    revision: Revision = None,
    approved: Annotated[
        str | None, typer.Option(help="Digest that `show` told: refuse to do anything else.")
    ] = None,
) -> None:
    """Preview the stack into a plan and carry out that plan, held to the policies."""
    from fleet.pipeline import steps

    steps.up(_pulumi(stack, revision), _page(), approved)


@app.command()
def deployed(stack: Stack) -> None:
    """Print the commit that CI deployed the stack from; nothing where the stack names none."""
    from fleet.pipeline import deployed as found

    print(found.commit(_pulumi(stack)) or "")  # noqa: T201 - for a script


@app.command()
def drift(stack: Stack) -> None:
    """Tell whether the cloud still is as the stack says; exit 1 if not."""
    from fleet.pipeline import steps

    steps.drift(_pulumi(stack), _page())


@app.command()
def comment(
    stack: Stack,
    commit: Annotated[str, typer.Option(help="Head of the pull request.")],
    base: Annotated[
        str | None, typer.Option(help="Commit to hold the cost against; none: preview nothing.")
    ] = None,
    environment: Annotated[
        str | None, typer.Option(help="success, failure, cancelled, skipped, gone or left.")
    ] = None,
    told: Annotated[
        Path | None, typer.Option(help="What `fleet preview` printed.", dir_okay=False)
    ] = None,
    pull_request: Annotated[
        int | None, typer.Option(help="Write it there through `gh`; none: print it.")
    ] = None,
) -> None:
    """Make the comment of a pull request: changes, policies, costs, its preview environment."""
    from fleet.pipeline import github
    from fleet.pipeline import pull_request as parts

    made = parts.compose(_pulumi(stack), commit, base, parts.environment_of(environment, told))
    if pull_request is None:
        print(made.body)  # noqa: T201 - for whoever looks at it by hand
    else:
        written = github.upsert(os.environ["GITHUB_REPOSITORY"], pull_request, made.body)
        print(written)  # noqa: T201 - a log's line
    raise typer.Exit(1 if made.failed else 0)


@app.command()
def diff(
    base: Annotated[str, typer.Option(help="Commit to hold the stack files against.")],
    commit: Annotated[str, typer.Option(help="Head of the pull request.")] = "HEAD",
) -> None:
    """Tell what a commit's stack files change, in words and dollars; no cloud is asked."""
    from fleet import project
    from fleet.pipeline import pull_request as parts

    made = parts.compared(project.find().root, commit, base)
    page = _page()
    if page is None:
        print(made.body)  # noqa: T201 - for whoever looks at it by hand
    else:
        with page.open("a") as file:
            file.write(made.body)
    raise typer.Exit(1 if made.failed else 0)


@app.command()
def image(stack: Stack, revision: Annotated[str, typer.Option(help="Commit to build.")]) -> None:
    """Print the branch's image by digest, having built it into the stack's repository."""
    from fleet import project
    from fleet.pipeline import image as images

    print(images.reference(project.find().root, stack, revision))  # noqa: T201 - for a script


@app.command()
def role(
    arn: Annotated[str, typer.Argument(help="ARN of the role.")],
    region: Annotated[str, typer.Option(help="AWS region to ask in.")],
    seconds: Annotated[int, typer.Option(min=900, max=43_200, help="How long it holds.")] = 3600,
) -> None:
    """Sign this job of GitHub Actions in to AWS by its own identity."""
    from fleet.pipeline import role as roles

    print(f"signed in as {arn}: {roles.assume(arn, region, seconds)}")  # noqa: T201 - a log's line


if __name__ == "__main__":
    app()
