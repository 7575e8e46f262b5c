"""Code shared by several tests: tables with tested rows, oracles, and ways to run and compare programs."""
