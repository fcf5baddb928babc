"""Days: their types, which of them a rule may use and picks, what a case may not see of them, and days without events."""
