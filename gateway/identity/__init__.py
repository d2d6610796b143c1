"""The keys and certificates that the device identities use, and the TLS contexts made of them."""
