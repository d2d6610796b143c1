"""The X.509 authority of a site and the device certificates that it issues; see README.md.

Errors::

    SiteFault    the authority or a file of an identity is missing, damaged or in the way; ``remedy`` says what to do
    ValueError   a name that no certificate can carry
"""

from __future__ import annotations

from certs.identities import Issued, Listed, issue, issue_for_key, listing
from certs.registration import export_ca, proof_of_possession, thumbprints
from certs.site import Site, SiteFault, create_site, open_site

__all__ = [
    "Issued",
    "Listed",
    "Site",
    "SiteFault",
    "create_site",
    "export_ca",
    "issue",
    "issue_for_key",
    "listing",
    "open_site",
    "proof_of_possession",
    "thumbprints",
]
