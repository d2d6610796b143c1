"""``gateway.yaml`` judged: where the state lies, where data goes, how much may wait."""

from __future__ import annotations

from pathlib import Path

from gateway.mapping.diagnostics import Report
from gateway.mapping.document import BufferSettings, GatewayFile, UpstreamSettings
from gateway.mapping.judge import Owner, child, judge, not_indented
from gateway.mapping.load import Block, Items
from gateway.mapping.spec import Buffering, Gateway
from gateway.model import Priority
from gateway.values import quote


def read(block: Block, folder: Path, report: Report) -> Gateway | None:
    """The settings of the appliance, with paths that begin at the plant folder; None where something is wrong."""
    settings = judge(GatewayFile, block, Owner("this file", block.place), report)
    upstream = _upstream(block, report)
    if settings is None or upstream is None:
        return None
    name, hub = upstream
    return Gateway(
        name=settings.name,
        state=folder / settings.state,
        upstream_name=name,
        host=hub.host,
        port=hub.port,
        trust=tuple(folder / path for path in hub.trust),
        buffer=_buffer(settings.buffer),
        log=settings.log,
        via=hub.via,
        tier=hub.tier,
        enrich=tuple(settings.enrich),
    )


def _buffer(settings: BufferSettings) -> Buffering:
    return Buffering(
        quota_bytes=settings.quota,
        min_free_bytes=settings.min_free,
        keep={one: getattr(settings.keep, one.name.lower()) for one in Priority},
        on_full={one: getattr(settings.on_full, one.name.lower()) for one in Priority},
        order=settings.order,
    )


def state(block: Block, folder: Path) -> Path | None:
    """The state directory, where it is named: no plant file lies in it."""
    path = block.get("state")
    return folder / path if isinstance(path, str) else None


def check_trust(block: Block, gateway: Gateway, report: Report) -> None:
    """Warn of root certificates that are not there yet (G01); looks at the disk."""
    upstreams = block["upstream"]
    upstream = upstreams[gateway.upstream_name] if isinstance(upstreams, Block) else None
    if not isinstance(upstream, Block):
        return
    named = upstream["trust"]
    for index, path in enumerate(gateway.trust):
        place = named.values_at[index] if isinstance(named, Items) else upstream.values_at["trust"]
        if not path.is_file():
            hint = "put the hub's root certificates (PEM) there before fieldgate run"
            report.warning(place, "G01", f'the file "{path}" does not exist yet', hint)


def _upstream(block: Block, report: Report) -> tuple[str, UpstreamSettings] | None:
    """The only entry under ``upstream:``."""
    entries = block.get("upstream")
    if not isinstance(entries, Block):
        return None
    if len(entries) != 1 + len(stray := not_indented(entries)):
        place = list(entries.keys_at.values())[1] if entries else block.keys_at["upstream"]
        text = f'"upstream" must have one entry, but it has {len(entries) - len(stray)}'
        report.error(place, "G02", text, "write  hub: {kind: iothub, host: ..., trust: ...}")
        return None
    name = next(iter(entries))
    upstream = child(entries, name, report)
    if upstream is None:
        return None
    settings = judge(UpstreamSettings, upstream, Owner(quote(name), entries.keys_at[name]), report)
    return (name, settings) if settings is not None else None
