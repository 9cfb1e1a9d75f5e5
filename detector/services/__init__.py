"""What the site does, one module per business act."""
