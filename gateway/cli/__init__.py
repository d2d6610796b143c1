"""The command line: arguments in, exit code out."""

from __future__ import annotations

import click

from gateway.cli import (
    adapters,
    auditing,
    buffer,
    certificates,
    demonstration,
    foreign,
    language,
    looking,
    operation,
    planning,
    plants,
    replaying,
    secrets,
    setting,
    watching,
)

SECTIONS = {
    "See it": ["demo"],
    "Set up a plant": ["init", "check", "plan", "diff", "devices"],
    "The language": ["profiles", "units", "explain"],
    "From and to others": ["import", "export"],
    "Beside a device": ["probe", "watch", "set"],
    "Keys and passwords": ["certs", "secret"],
    "Run": ["run", "reload", "status", "buffer", "replay", "audit"],
}
PARTS = (
    plants,
    planning,
    language,
    foreign,
    looking,
    watching,
    setting,
    replaying,
    auditing,
    certificates,
    secrets,
    operation,
    buffer,
    demonstration,
)


class Page(click.Group):
    """A group whose help tells the commands in the order in which they are needed; last those of the adapters."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours, and a group for each adapter that brings some."""
        return [*super().list_commands(ctx), *adapters.groups()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Adapters are only looked for where it is none of ours."""
        return super().get_command(ctx, cmd_name) or adapters.groups().get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section after the other."""
        for title, names in SECTIONS.items():
            rows = [(name, self.commands[name].get_short_help_str(90)) for name in names]
            with formatter.section(title):
                formatter.write_dl(rows)
        rows = [(name, group.get_short_help_str(90)) for name, group in adapters.groups().items()]
        if rows:
            with formatter.section("Field protocols"):
                formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What everybody needs to know of all commands."""
        with formatter.section("Exit codes"):
            formatter.write_dl(
                [
                    ("0", "it worked, also with warnings"),
                    ("1", "it could not be done here and now; the message says why and what to do"),
                    ("2", "the files of the plant or the words of the call are wrong; the message says where"),
                ]
            )


@click.group(cls=Page, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="fieldgate", message="fieldgate %(version)s")
def main() -> None:
    """Fieldgate carries the readings of legacy devices to Azure IoT Hub.

    Each device is published as an identity of its own, with its own X.509 certificate. What was read is on disk
    before it counts as read, and leaves the disk when the hub has acknowledged it.

    A plant is a folder of YAML files: PLANT below. Start with `fieldgate demo`, then `fieldgate init my-plant`.
    """


for part in PARTS:
    for command in part.COMMANDS:
        main.add_command(command)
