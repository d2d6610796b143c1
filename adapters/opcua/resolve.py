"""From the node as it is written in a profile to the node itself: prefixes become namespace URIs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from adapters.opcua.nodes import NodeId, NotANodeId, UnknownPrefix, parse
from adapters.opcua.settings import Address, NodeAddress, Profile
from gateway.adapter import Finding


def resolve(
    name: str, profile: Profile, address: Address, written: Mapping[str, str]
) -> tuple[Address, Sequence[Finding]]:
    """The address with its node, and what is wrong with it (U01, U02, U03)."""
    try:
        node = parse(address.node, profile.namespaces)
    except NotANodeId:
        return address, [_no_node(name, profile, address.node)]
    except UnknownPrefix as unknown:
        return address, [_no_namespace(name, profile, unknown.prefix)]
    return NodeAddress(node=address.node, id=node), _index(name, node)


def _no_node(name: str, profile: Profile, node: str) -> Finding:
    examples = '"m;s=Filler01.Speed", "nsu=http://acme/;i=1023" or "i=2258"'
    prefix = next(iter(profile.namespaces), "")
    # A bare name is most often the identifier of a node in the profile's own namespace.
    if prefix and not {";", "="} & set(node):
        examples = f'"{prefix};s={node}"'
    return Finding("U01", 0, "node", f'{name}: "{node}" is not an OPC UA node id', f"write for example {examples}")


def _no_namespace(name: str, profile: Profile, prefix: str) -> Finding:
    close = get_close_matches(prefix, profile.namespaces, 1, cutoff=0.4)
    listed = f"; there is: {', '.join(profile.namespaces)}" if profile.namespaces else ""
    hint = f'did you mean "{close[0]}"?' if close else f'add it:  namespaces: {{{prefix}: "urn:..."}}{listed}'
    return Finding("U03", 0, "node", f'{name}: namespace "{prefix}" is not listed under namespaces:', hint)


def _index(name: str, node: NodeId) -> Sequence[Finding]:
    if node.index is None:
        return ()
    text = f'{name}: "ns={node.index}" is a namespace index; it can change when the server restarts'
    own = f"m;{node.type}={node.identifier}"
    hint = f'put the namespace URI under namespaces: {{m: "urn:..."}} and write "{own}"'
    return (Finding("U02", 0, "node", text, hint, warning=True),)
