"""kerasbert doctor."""

import click


@click.command()
def doctor() -> None:
    """Check whether this machine can train and export; exits with status 1 if not."""
    from kerasbert.cli.startup import importing

    with importing():
        from kerasbert.doctor import examine

        findings = examine()
    for finding in findings:
        mark = "ok    " if finding.ok else "FAILED"
        click.echo(f"{mark} {finding.subject:<12} {finding.detail}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)
