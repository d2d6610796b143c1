"""Field protocols as plug-ins: each sees ``gateway.adapter`` alone and is found by its entry point."""
