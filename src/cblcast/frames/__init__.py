"""The frames: panel, cube, events, cases, what their columns are called, and how they are checked."""
