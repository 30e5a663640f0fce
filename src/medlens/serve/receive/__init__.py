"""Everything that comes in: checked, made durable, then indexed."""
