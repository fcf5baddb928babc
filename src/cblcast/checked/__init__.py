"""What people write, checked before it is used: YAML files, and parameters against the annotations that declare them."""
