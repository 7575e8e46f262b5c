"""What several tests share: tables whose rows are tested, oracles, and ways to run and compare programs."""
