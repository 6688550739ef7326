"""kerasbert backbones list."""

import click


@click.group()
def backbones() -> None:
    """List the installed encoders."""


@backbones.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
def list_(as_json: bool) -> None:
    """List the encoders that installed packages bring, broken ones with their error.

    The name of each is a value of backbone.source.
    """
    import json

    from kerasbert.hub import list_backbones

    plugins = list_backbones()
    if as_json:
        records = [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "parameters": plugin.value.parameters if plugin.value else None,
                "language": plugin.value.language if plugin.value else None,
                "license": plugin.value.license if plugin.value else None,
                "directory": str(plugin.value.directory) if plugin.value else None,
                "error": plugin.error,
            }
            for plugin in plugins
        ]
        click.echo(json.dumps(records, ensure_ascii=False))
        return
    for plugin in plugins:
        if plugin.value:
            facts = [f"{plugin.value.parameters / 1e6:.1f} M", plugin.value.language, plugin.value.license]
            what = ", ".join(filter(None, facts))
        else:
            what = click.style(f"BROKEN: {plugin.error}", fg="red")
        click.echo(f"{plugin.name:<20} {plugin.distribution} {plugin.version:<8} {what}")
