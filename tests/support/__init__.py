"""What tests share: databases, programs of the machine, sizes."""
