"""A plant or a profile in the forms of others: Thing Descriptions, DTDL, published_nodes.json, CSV, lists of points."""
