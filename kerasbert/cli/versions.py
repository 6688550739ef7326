"""kerasbert versions list, label, unlabel, rollback, prune."""

from collections.abc import Mapping

import click

_MODEL_DIR = click.argument("model_dir", type=click.Path())


@click.group()
def versions() -> None:
    """Manage which exported versions are served.

    The served versions and their labels are stored in MODEL_DIR/serving/models.config, which TensorFlow
    Serving polls. A command waits until the previous change is a few seconds old, so that no server misses
    it.
    """


@versions.command("list")
@_MODEL_DIR
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def list_(model_dir: str, as_json: bool) -> None:
    """List the versions, their labels and whether they are served."""
    import dataclasses
    import json
    from pathlib import Path

    from kerasbert.deployment import list_versions

    found = list_versions(Path(model_dir))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(version) for version in found]))
        return
    for version in found:
        size = "MISSING" if version.size is None else f"{version.size / 1e6:.1f} MB"
        served = "served" if version.served else ""
        click.echo(f"{version.number:<12}{size:>12}  {served:<8}{' '.join(version.labels)}".rstrip())


@versions.command()
@_MODEL_DIR
@click.argument("label")
@click.argument("version", type=click.IntRange(min=0))
def label(model_dir: str, label: str, version: int) -> None:
    """Point LABEL at VERSION and serve it.

    If LABEL is `stable`, the old stable version becomes `previous`, the target of a rollback. A new label
    may point at any version; an existing label can only move to a version that is already served.
    """
    from pathlib import Path

    from kerasbert.deployment import changing

    with changing(Path(model_dir)) as served:
        served.label(label, version)
    _show(served.labels)


@versions.command()
@_MODEL_DIR
@click.argument("label")
def unlabel(model_dir: str, label: str) -> None:
    """Remove LABEL; a version without any label is no longer served."""
    from pathlib import Path

    from kerasbert.deployment import changing

    with changing(Path(model_dir)) as served:
        served.unlabel(label)
    _show(served.labels)


@versions.command()
@_MODEL_DIR
def rollback(model_dir: str) -> None:
    """Make the previous stable version stable again."""
    from pathlib import Path

    from kerasbert.deployment import changing

    with changing(Path(model_dir)) as served:
        served.rollback()
    _show(served.labels)


@versions.command()
@_MODEL_DIR
@click.option("--keep", type=click.IntRange(min=1), required=True, help="Number of versions to keep.")
def prune(model_dir: str, keep: int) -> None:
    """Remove all but the newest versions, except served and labelled ones."""
    from pathlib import Path

    from kerasbert.deployment import prune
    from kerasbert.layout import require_versions

    require_versions(Path(model_dir))
    for number in prune(Path(model_dir), keep):
        click.echo(f"Removed version {number}.")


def _show(labels: Mapping[str, int]) -> None:
    for label, number in sorted(labels.items()):
        click.echo(f"{label}: version {number}")
