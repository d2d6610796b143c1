"""What devices answered, kept as it came for a while, so that a wrong mapping can be corrected afterwards."""
