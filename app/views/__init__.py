"""Everything drawn with Qt; nothing here decides."""
